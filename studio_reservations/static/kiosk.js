// The kiosk, better with a script: names as one types, letters to tap, a camera, and a clock that goes on.
"use strict";
{
  const LONGEST_NAME = 40;
  const IDLE_MS = 30000;
  const CHANGING_MS = 10000;
  const by = (id) => document.getElementById(id);
  const main = document.querySelector("[data-kiosk]");
  const form = by("kiosk-form");
  const field = by("kq");
  const list = by("kiosk-names");

  let asked = 0;
  async function find() {
    const mine = ++asked;
    if (field.value.length > LONGEST_NAME) return; // a scanner is typing a code
    try {
      const names = new URL(main.dataset.names, location.href);
      names.searchParams.set("q", field.value);
      const answer = await fetch(names);
      if (answer.ok && mine === asked) list.innerHTML = await answer.text();
    } catch {
      // The tablet is offline for a moment; the form still works when it is back.
    }
  }

  // The other language keeps what is written, but for a scanned code: an address is kept in the browser's history.
  function carry() {
    for (const link of document.querySelectorAll("a[hreflang]")) {
      const address = new URL(link.href);
      if (field.value && field.value.length <= LONGEST_NAME) address.searchParams.set("q", field.value);
      else address.searchParams.delete("q");
      link.href = address;
    }
  }

  let soon;
  field.addEventListener("input", () => {
    carry();
    clearTimeout(soon);
    soon = setTimeout(find, 150);
  });
  form.addEventListener("submit", (event) => {
    if (field.value.trim().length > LONGEST_NAME) return; // a code goes to the server as it is
    event.preventDefault();
    find();
  });

  if (field.value) {
    carry();
    find(); // written before this script was here
  }

  by("kiosk-keys").hidden = false;
  by("kiosk-keys").addEventListener("click", (event) => {
    const key = event.target.closest("button");
    if (!key) return;
    const letter = key.textContent.trim();
    field.value = letter ? field.value + (field.value ? letter.toLowerCase() : letter) : field.value.slice(0, -1);
    carry();
    find();
  });

  // Whoever leaves a half-written name leaves a clean screen, in the tablet's own language.
  let idle;
  let left = false;
  function wait() {
    clearTimeout(idle);
    left = false;
    idle = setTimeout(() => {
      field.value = "";
      carry();
      list.replaceChildren();
      left = true;
    }, IDLE_MS);
  }
  for (const kind of ["input", "click", "keydown"]) document.addEventListener(kind, wait);
  wait();

  setInterval(async () => {
    try {
      const answer = await fetch(main.dataset.door);
      if (answer.status === 404) location.reload(); // it was sent away
      if (!answer.ok) return;
      if (left && main.dataset.start) return location.replace(main.dataset.start); // not sooner: it is not offline now
      by("kiosk-changing").innerHTML = await answer.text();
      by("kiosk-time").textContent = by("kiosk-changing").querySelector("[data-time]").dataset.time;
    } catch {
      // The next time.
    }
  }, CHANGING_MS);

  window
    .studioCamera(by("kiosk-video"), main.dataset.reader, (code) => {
      field.value = code;
      form.submit();
    }, 8000)
    .then(
      () => {
        by("kiosk-video").hidden = false;
        by("kiosk-frame").classList.add("is-over");
      },
      () => {} // no camera: names and a scanner on a cable remain
    );
}
