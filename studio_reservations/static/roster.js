// The roster without leaving the page: acts by fetch, what other desks do by polling, and the keyboard. Without this file
// every button sends the form around the tiles.
"use strict";
{
  const POLL_MS = 4000;
  const SETTLE_MS = 600;
  const room = document.getElementById("roster");
  const says = document.getElementById("roster-says");
  const by = (id) => document.getElementById(id);
  const tiles = () => [...room.querySelectorAll(".st-tile[data-name]")];
  const shown = () => tiles().filter((tile) => !tile.hidden);
  const state = { coming: "coming" in room.dataset, find: input()?.value ?? "", version: null, lost: false, busy: 0, sources: new Map() };

  function input() {
    return room.querySelector("#roster-find input[type=search]");
  }

  function line() {
    const live = by("roster-live");
    live.hidden = false;
    return live.querySelector("span");
  }

  function say(text) {
    says.textContent = "";
    // A reader hears the same words again only where they are put in anew.
    requestAnimationFrame(() => (says.textContent = text));
  }

  // What the server sent of a tile, by id: with it we know which have changed.
  function remember(root) {
    for (const tile of root.querySelectorAll(".st-tile[data-name]")) {
      const copy = tile.cloneNode(true);
      copy.hidden = false;
      copy.querySelector(".st-why-not")?.remove();
      state.sources.set(tile.id, copy.outerHTML.replace(/\s+/g, " "));
    }
  }

  function filter() {
    const wanted = state.find.trim().toLowerCase();
    for (const tile of tiles()) {
      const away = state.coming && tile.dataset.state !== "PENDING" && !tile.contains(document.activeElement);
      tile.hidden = away || !tile.dataset.name.toLowerCase().includes(wanted);
    }
    const free = by("roster-free");
    if (free) free.hidden = wanted !== "";
    const nobody = by("roster-nobody");
    if (nobody) nobody.hidden = shown().length > 0;
    for (const link of room.querySelectorAll("[data-show]")) {
      const current = (link.dataset.show === "coming") === state.coming;
      if (current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    picked();
  }

  function boxes() {
    return [...room.querySelectorAll(".st-box")];
  }

  function picked() {
    const bar = by("roster-bulk");
    if (!bar) return;
    const chosen = boxes().filter((box) => box.checked);
    bar.hidden = chosen.length === 0;
    by("roster-picked").textContent = `${chosen.length} selected`;
    const names = chosen.map((box) => box.closest(".st-tile").dataset.name);
    by("roster-names").textContent = names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ");
    bar.querySelector("[data-word]").textContent = `Check in ${chosen.length}`;
    const all = by("roster-select-all");
    all.hidden = chosen.length === boxes().filter((box) => !box.closest(".st-tile").hidden).length;
  }

  // The second tap of a double one must not undo what the first did.
  function settle(tile) {
    tile.dataset.fresh = "";
    setTimeout(() => delete tile.dataset.fresh, SETTLE_MS);
  }

  // Put what the server says now in place of what has changed; focus, selection and place stay.
  function swap(html) {
    const fresh = new DOMParser().parseFromString(`<div>${html}</div>`, "text/html").body.firstChild;
    const old = by("roster-tiles");
    const list = fresh.querySelector("#roster-tiles");
    if (old.tagName !== list.tagName) {
      room.dataset.token = fresh.querySelector("[name=csrf_token]").value;
      room.replaceChildren(...fresh.childNodes);
      remember(room);
      return filter(), [];
    }
    const told = [];
    const before = new Map(tiles().map((tile) => [tile.id, tile]));
    let place = null;
    for (const tile of [...list.querySelectorAll(".st-tile[data-name]")]) {
      const source = tile.outerHTML.replace(/\s+/g, " ");
      const mine = before.get(tile.id);
      let here = mine;
      if (!mine || state.sources.get(tile.id) !== source) {
        here = document.importNode(tile, true);
        if (mine) {
          const inside = mine.contains(document.activeElement);
          const box = mine.querySelector(".st-box");
          const again = here.querySelector(".st-box");
          if (box?.checked && again) again.checked = true;
          if (mine.dataset.state !== tile.dataset.state) told.push(here);
          mine.replaceWith(here);
          settle(here);
          if (inside) here.focus({ preventScroll: true });
        } else {
          if (place) place.after(here);
          else old.prepend(here);
          told.push(here);
        }
        state.sources.set(tile.id, source);
      }
      before.delete(tile.id);
      place = here;
    }
    for (const gone of before.values()) {
      if (gone.contains(document.activeElement)) (gone.nextElementSibling ?? gone.previousElementSibling)?.focus?.();
      gone.remove();
      state.sources.delete(gone.id);
    }
    for (const id of ["roster-count", "roster-all", "roster-coming", "roster-free", "roster-bulk", "roster-gone"]) put(id, fresh, old);
    room.dataset.token = room.querySelector("[name=csrf_token]").value = fresh.querySelector("[name=csrf_token]").value;
    filter();
    return told;
  }

  // These hold nothing of the reader's own, but perhaps the focus.
  function put(id, fresh, list) {
    const mine = by(id);
    const theirs = fresh.querySelector(`#${id}`);
    if (mine && !theirs) mine.remove();
    else if (mine && id === "roster-bulk") by("roster-select-all").textContent = theirs.querySelector("#roster-select-all").textContent;
    else if (mine && theirs && mine.outerHTML !== theirs.outerHTML) {
      const held = mine.contains(document.activeElement) && document.activeElement.textContent;
      const here = document.importNode(theirs, true);
      mine.replaceWith(here);
      if (held) [...here.querySelectorAll("a, button")].find((one) => one.textContent === held)?.focus();
    } else if (!mine && theirs) {
      const here = document.importNode(theirs, true);
      if (id === "roster-free") list.append(here);
      else by("roster-form").append(here);
      if (id === "roster-bulk" && by("roster-gone")) by("roster-gone").before(here);
    }
  }

  function words(tile) {
    return `${tile.dataset.name}: ${tile.querySelector(".st-state")?.textContent.trim().toLowerCase()}`;
  }

  async function refresh({ quiet }) {
    const headers = { "X-Requested-With": "studio" };
    if (state.version) headers["If-None-Match"] = state.version;
    const answer = await fetch(room.dataset.live, { headers, cache: "no-store", redirect: "error" });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    state.version = answer.headers.get("ETag");
    const told = swap(html);
    if (!quiet && told.length) {
      const news = told.length > 3 ? `${told.length} people changed.` : `${told.map(words).join(". ")}.`;
      say(news);
      line().textContent = `Live: ${news}`;
    }
  }

  async function poll() {
    try {
      if (!document.hidden && state.busy === 0) await refresh({ quiet: false });
      if (state.lost) line().textContent = "Live: what another desk does appears here by itself.";
      state.lost = false;
    } catch {
      line().textContent = "The desk is not reached. What is shown may be old; it tries again by itself.";
      state.lost = true;
      state.version = null;
    }
    setTimeout(poll, POLL_MS);
  }

  function refuse(tile, { message, anyway }) {
    tile.querySelector(".st-why-not")?.remove();
    const told = document.createElement("p");
    told.className = "st-why-not";
    told.append(message);
    if (anyway) {
      const link = document.createElement("a");
      link.href = anyway;
      link.textContent = "Check in anyway";
      told.append(" ", link);
    }
    tile.append(told);
  }

  async function post(button, tile) {
    const body = new FormData();
    body.set("csrf_token", room.dataset.token);
    if (!tile) for (const box of boxes()) if (box.checked) body.append("picked", box.value);
    const address = button.getAttribute("formaction") ?? button.form.action;
    return fetch(address, { method: "POST", body, headers: { "X-Requested-With": "studio" }, redirect: "manual" });
  }

  async function send(button) {
    const tile = button.closest(".st-tile, .st-gone > li");
    const focused = document.activeElement === button || document.activeElement === tile;
    state.busy += 1;
    button.setAttribute("aria-disabled", "true");
    try {
      let answer = await post(button, tile);
      if (answer.status === 403) {
        // The page has been open for longer than its token is good: the tiles come with a new one.
        state.version = null;
        await refresh({ quiet: true });
        answer = await post(button, tile);
      }
      if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
        button.setAttribute("data-native", "");
        button.form.requestSubmit(button);
        return;
      }
      const said = await answer.json();
      if (answer.ok && !tile) for (const box of boxes()) box.checked = false;
      if (tile && focused && tile.isConnected) tile.focus({ preventScroll: true });
      await refresh({ quiet: true });
      if (!answer.ok && tile) refuse(by(tile.id) ?? tile, said);
      for (const [id, why] of Object.entries(said.refused ?? {})) if (by(`r-${id}`)) refuse(by(`r-${id}`), why); // or another desk moved it away
      say(said.message + Object.values(said.refused ?? {}).map((why) => ` ${why.message}`).join(""));
    } catch {
      const message = "The desk is not reached, and this was not done. Try again.";
      if (tile) refuse(by(tile.id) ?? tile, { message });
      say(message);
    } finally {
      state.busy -= 1;
      button.removeAttribute("aria-disabled");
    }
  }

  room.addEventListener("submit", (event) => {
    if (event.target.id === "roster-find") {
      event.preventDefault();
      shown()[0]?.focus();
    } else if (!event.submitter.hasAttribute("data-native")) {
      event.preventDefault();
      if (event.submitter.getAttribute("aria-disabled") !== "true" && !event.submitter.closest("[data-fresh]")) send(event.submitter);
    }
  });
  room.addEventListener("change", (event) => event.target.classList.contains("st-box") && picked());
  room.addEventListener("input", (event) => {
    if (event.target === input()) {
      state.find = event.target.value;
      filter();
    }
  });
  room.addEventListener("click", (event) => {
    const link = event.target.closest("[data-show], #roster-nobody a");
    if (link) {
      event.preventDefault();
      state.coming = link.dataset.show === "coming";
      if (!link.dataset.show) input().value = state.find = "";
      document.activeElement.blur();
      filter();
    } else if (event.target.closest("#roster-select-all")) {
      for (const box of boxes()) box.checked = !box.closest(".st-tile").hidden;
      picked();
    }
  });

  // The person that the keyboard is at.
  function at() {
    return document.activeElement?.closest?.(".st-tile[data-name]");
  }

  function move(key) {
    const all = shown();
    const now = at();
    if (!now) return all[0];
    const index = all.indexOf(now);
    if (key === "ArrowLeft") return all[index - 1];
    if (key === "ArrowRight") return all[index + 1];
    const box = now.getBoundingClientRect();
    const middle = (one) => one.getBoundingClientRect().left + one.getBoundingClientRect().width / 2;
    const rows = all.filter((one) => {
      const top = one.getBoundingClientRect().top;
      return key === "ArrowDown" ? top > box.top + 1 : top < box.top - 1;
    });
    if (rows.length === 0) return null;
    const tops = rows.map((one) => one.getBoundingClientRect().top);
    const next = key === "ArrowDown" ? Math.min(...tops) : Math.max(...tops);
    return rows
      .filter((one) => Math.abs(one.getBoundingClientRect().top - next) < 2)
      .sort((a, b) => Math.abs(middle(a) - middle(now)) - Math.abs(middle(b) - middle(now)))[0];
  }

  function press(tile, ending) {
    const button = [...tile.querySelectorAll("button")].find((one) => ending.some((end) => one.getAttribute("formaction").endsWith(end)));
    if (button && button.getAttribute("aria-disabled") !== "true") send(button);
    return Boolean(button);
  }

  const keys = {
    "/": () => (input()?.select(), input()?.focus(), true),
    "?": () => ((by("roster-keys").open = !by("roster-keys").open), true),
    w: () => (by("roster-walk-in")?.click(), true),
    s: () => (by("roster-scan")?.click(), true),
    u: (tile) => tile && press(tile, ["/undo-check-in", "/undo-attended"]),
    n: (tile) => tile && noShow(tile),
  };

  // Without a button of its own on the tile: the address lies beside that of the check-in.
  function noShow(tile) {
    if (!by("roster-form").querySelector("button[formaction$='/picked/no-show']") || tile.dataset.state !== "PENDING") return false;
    const main = tile.querySelector("[data-main]");
    const button = main.cloneNode();
    button.setAttribute("formaction", main.getAttribute("formaction").replace(/check-in$/, "no-show"));
    button.hidden = true;
    tile.append(button);
    send(button).finally(() => button.remove());
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const target = event.target;
    if (target.matches("input:not(.st-box), textarea, select")) {
      if (event.key === "Escape" && target === input()) {
        // To whoever was found, among all again.
        event.preventDefault();
        const found = shown()[0];
        target.value = state.find = "";
        filter();
        if (found) found.focus();
        else target.blur();
      }
      return;
    }
    const tile = at();
    let used = false;
    if (event.key.startsWith("Arrow")) {
      const next = move(event.key);
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
      used = Boolean(next);
    } else if (event.key === "Enter" && target === tile && tile) used = press(tile, ["/check-in"]);
    else if (event.key === " " && target === tile && tile) {
      const box = tile.querySelector(".st-box");
      if (box) {
        box.checked = !box.checked;
        picked();
        say(`${tile.dataset.name}: ${box.checked ? "selected" : "not selected"}.`);
      }
      used = true;
    } else if (!event.repeat) used = keys[event.key.toLowerCase()]?.(tile) ?? false;
    if (used) event.preventDefault();
  });

  remember(room);
  line();
  filter();
  setTimeout(poll, POLL_MS);
}
