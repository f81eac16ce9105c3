// What scripts add to pages that work without them: buttons that copy.
"use strict";

for (const button of document.querySelectorAll("button[data-copy], button[data-copy-from]")) {
  if (!navigator.clipboard) break; // not on a page that came in the clear
  button.hidden = false;
  const words = button.querySelector("span");
  const usual = words.textContent;
  button.addEventListener("click", async () => {
    const field = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    try {
      await navigator.clipboard.writeText(field ? field.value : button.dataset.copy);
    } catch {
      field?.select(); // the browser said no; then by hand
      return;
    }
    button.dataset.copied = "";
    words.textContent = "Copied";
    setTimeout(() => {
      delete button.dataset.copied;
      words.textContent = usual;
    }, 2000);
  });
}
