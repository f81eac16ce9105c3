//! Icons: drawings of the sprite in `assets/icons.svg`, by name.

use maud::{Markup, Render, html};

use crate::console::assets::{self, File};

macro_rules! icons {
    ($($name:ident = $id:literal;)*) => {
        /// A drawing of the sprite. It is decoration: what it says must stand beside it as text, or in a label.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon {$(#[doc = $id] $name,)*}

        impl Icon {
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The id of its symbol.
            pub const fn id(self) -> &'static str {
                match self {$(Self::$name => $id,)*}
            }
        }
    };
}

icons! {
    ArrowLeft = "arrow-left";
    ArrowRight = "arrow-right";
    Ban = "ban";
    Bell = "bell";
    BookOpen = "book-open";
    Building2 = "building-2";
    Check = "check";
    ChevronDown = "chevron-down";
    ChevronLeft = "chevron-left";
    ChevronRight = "chevron-right";
    ChevronsUpDown = "chevrons-up-down";
    CircleAlert = "circle-alert";
    CircleCheck = "circle-check";
    Clock = "clock";
    Copy = "copy";
    Download = "download";
    ExternalLink = "external-link";
    Eye = "eye";
    FingerprintPattern = "fingerprint-pattern";
    FlaskConical = "flask-conical";
    Funnel = "funnel";
    Gauge = "gauge";
    Globe = "globe";
    History = "history";
    Inbox = "inbox";
    Info = "info";
    KeyRound = "key-round";
    Laptop = "laptop";
    LayoutDashboard = "layout-dashboard";
    LayoutTemplate = "layout-template";
    LifeBuoy = "life-buoy";
    ListChecks = "list-checks";
    Lock = "lock";
    LogIn = "log-in";
    LogOut = "log-out";
    Mail = "mail";
    Menu = "menu";
    Monitor = "monitor";
    Moon = "moon";
    Network = "network";
    Pencil = "pencil";
    Phone = "phone";
    Plus = "plus";
    QrCode = "qr-code";
    RefreshCw = "refresh-cw";
    ScrollText = "scroll-text";
    Search = "search";
    Send = "send";
    Settings = "settings";
    Shield = "shield";
    ShieldCheck = "shield-check";
    Smartphone = "smartphone";
    Sun = "sun";
    Trash2 = "trash-2";
    TriangleAlert = "triangle-alert";
    User = "user";
    UserPlus = "user-plus";
    Users = "users";
    Webhook = "webhook";
    X = "x";
}

impl Render for Icon {
    fn render(&self) -> Markup {
        html! {
            svg class="icon" aria-hidden="true" focusable="false" {
                use href={ (assets::url(File::Icons)) "#" (self.id()) } {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_is_drawn_and_every_drawing_has_a_name() {
        let sprite = include_str!("../assets/icons.svg");
        let drawn: Vec<&str> = sprite
            .match_indices("<symbol id=\"")
            .filter_map(|(at, start)| sprite[at + start.len()..].split('"').next())
            .collect();
        let named: Vec<&str> = Icon::ALL.iter().map(|icon| icon.id()).collect();
        assert_eq!(drawn, named);
    }
}
