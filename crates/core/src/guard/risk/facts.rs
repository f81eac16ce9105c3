//! What is known of a message besides its words.

/// How the sender and the person stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acquaintance {
    /// No message went either way before.
    New,
    /// There were messages, but the person wrote none within the service window.
    Known,
    /// The person wrote within the service window (24 hours): this is an answer.
    Open,
}

/// How Meta rates a phone number: `quality_rating` of the phone number, `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Quality {
    /// Not rated yet, or not known here.
    #[default]
    Unknown,
    Green,
    Yellow,
    Red,
}

impl Quality {
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Green, Self::Yellow, Self::Red];

    /// Reads Meta's word; one that is not known is [`Self::Unknown`].
    pub fn parse(text: &str) -> Self {
        match text {
            "GREEN" => Self::Green,
            "YELLOW" => Self::Yellow,
            "RED" => Self::Red,
            _ => Self::Unknown,
        }
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Green => 1,
            Self::Yellow => 2,
            Self::Red => 3,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|q| q.number() == number)
    }
}

/// What the rules ask of a message about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub acquaintance: Acquaintance,
    /// True where somebody else approved the words before: a template, which Meta reviewed, or Gatepost's own words of a
    /// verification.
    pub reviewed: bool,
    pub quality: Quality,
    /// Whole days since the channel was made.
    pub channel_days: u32,
    /// True on a channel of the simulated Meta: no schedule of warming up.
    pub test_channel: bool,
    /// The beginning of a keyed digest over [`sameness`](super::sameness) of the texts. None: there is too little text.
    pub digest: Option<[u8; 8]>,
}

impl Facts {
    /// True for the first message to a person who did not write.
    pub(super) fn is_first(&self) -> bool {
        self.acquaintance == Acquaintance::New
    }

    /// True where words of one's own go to somebody who does not wait for them.
    pub(super) fn is_unasked(&self) -> bool {
        self.acquaintance != Acquaintance::Open && !self.reviewed
    }
}
