// What scripts add to pages that work without them: buttons that copy; and the touch of a passkey, which browsers give
// to scripts only.
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

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// Asks the browser for a passkey; its answer as WebAuthn's own JSON form has it (older browsers do not convert).
async function touch(form, options) {
  const named = (list) => (list ?? []).map((entry) => ({ ...entry, id: bytes(entry.id) }));
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = named(options.allowCredentials);
  const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: options });
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = base64url(credential.response[part]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const rawId = base64url(credential.rawId);
  const clientExtensionResults = credential.getClientExtensionResults();
  return { id: credential.id, rawId, type: credential.type, response, clientExtensionResults };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const failed = form.querySelector("[data-failed]");
  const answer = form.elements.namedItem("answer");
  form.querySelector("[data-unscripted]").hidden = true;
  form.addEventListener("submit", async (event) => {
    if (answer.value || !form.dataset.options) return;
    event.preventDefault();
    failed.hidden = true;
    try {
      answer.value = JSON.stringify(await touch(form, JSON.parse(form.dataset.options)));
      form.submit();
    } catch {
      failed.hidden = false; // cancelled, too late, or no such device
    }
  });
}
