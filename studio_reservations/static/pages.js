// What is better with a script; each page works without.
"use strict";

// One tap is one reservation: a form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest(".studio") || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
// A page that comes back from the browser's memory may send again.
addEventListener("pageshow", () => document.querySelectorAll(".studio form[data-sent]").forEach((form) => delete form.dataset.sent));
