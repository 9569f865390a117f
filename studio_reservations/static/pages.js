// What is better with a script; each page works without.
"use strict";

// One tap is one reservation: a form is sent once; again after a while, where the network let it down.
const A_WHILE = 10000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest(".studio") || form.method !== "post") return;
  if (performance.now() - Number(form.dataset.sent || -A_WHILE) < A_WHILE) { event.preventDefault(); return; }
  form.dataset.sent = performance.now();
});
// A page that comes back from the browser's memory may send again.
addEventListener("pageshow", () => document.querySelectorAll(".studio form[data-sent]").forEach((form) => delete form.dataset.sent));

// Countdowns and the drawn check-in window, by the minute and by the portal's clock. Where one ends, the page is loaded anew.
(() => {
  const times = [...document.querySelectorAll(".studio [data-until]")];
  if (!times.length) return;
  const loaded = performance.now();
  const now = () => Number(times[0].dataset.now) + performance.now() - loaded;
  const told = (time, minutes) => {
    const filled = { hours: Math.floor(minutes / 60), minutes: minutes % 60 };
    return (minutes < 60 ? time.dataset.minutes.replace("%(minutes)s", minutes)
      : (minutes % 60 ? time.dataset.hours : time.dataset.hour).replace(/%\((hours|minutes)\)s/g, (_, name) => filled[name]));
  };
  const draw = (track) => {
    const ticks = track.dataset.ticks.split(" ").map(Number);
    const third = ticks.findIndex((tick, index) => index < 3 && tick <= now() && now() < ticks[index + 1]);
    const mark = track.querySelector("svg");
    if (mark && third >= 0) mark.setAttribute("x", `${((third + (now() - ticks[third]) / (ticks[third + 1] - ticks[third])) * 100) / 3}%`);
  };
  const tick = () => {
    for (const time of times) {
      const left = Number(time.dataset.until) - now();
      const typing = document.activeElement && document.activeElement.matches("input, textarea, select");
      if (left <= 0 && performance.now() - loaded > 30000 && !typing) { location.reload(); return; }
      time.textContent = told(time, Math.max(0, Math.floor(left / 60000)));
    }
    document.querySelectorAll(".studio .st-track[data-ticks]").forEach(draw);
  };
  setInterval(tick, 30000);
})();

// The calendar's address is there to be copied.
document.querySelectorAll(".studio [data-select]").forEach((field) => field.addEventListener("focus", () => field.select()));
