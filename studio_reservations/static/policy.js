/* Keeps what would have happened in step with what is typed, and says of each field what it was. */
(() => {
  const form = document.getElementById("policy");
  const replay = document.getElementById("replay");
  const said = document.getElementById("replay-said");
  const see = document.getElementById("see");
  if (!form || !replay) return;
  see.hidden = true;

  let waiting;
  let asked;

  const typed = (row) => {
    const control = row.querySelector("input, select");
    return control.type === "checkbox" ? (control.checked ? "y" : "") : control.value.trim();
  };

  const tag = () => {
    let changed = false;
    for (const row of form.querySelectorAll("[data-was]")) {
      const same = typed(row) === row.dataset.was;
      row.querySelector("[data-tag]").hidden = same;
      changed ||= !same;
    }
    return changed;
  };

  const mark = () => {
    for (const row of form.querySelectorAll("[data-was]")) {
      const control = row.querySelector("input, select");
      const error = row.querySelector(".st-error");
      const found = replay.querySelector(`[data-error-of="${control.id}"]`);
      error.textContent = found ? found.textContent : "";
      error.hidden = !found;
      if (found) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
  };

  const show = (html) => {
    const open = [...replay.querySelectorAll("details[open]")].map((one) => one.dataset.people);
    replay.innerHTML = html;
    for (const one of replay.querySelectorAll("details")) one.open = open.includes(one.dataset.people);
    const summary = replay.querySelector("[data-summary]").dataset.summary;
    document.querySelector("[data-summary-of]").textContent = summary;
    said.textContent = summary;
    mark();
  };

  const ask = async () => {
    clearTimeout(waiting);
    asked?.abort();
    asked = new AbortController();
    const values = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`${form.action.split("?")[0]}?${values}`, {
        headers: { "X-Requested-With": "studio" },
        signal: asked.signal,
      });
      if (!answer.ok || !answer.headers.get("Content-Type").startsWith("text/html")) throw new Error(String(answer.status));
      show(await answer.text());
      see.hidden = true;
    } catch (error) {
      if (error.name !== "AbortError") see.hidden = false;
    }
  };

  form.addEventListener("input", () => {
    tag();
    clearTimeout(waiting);
    waiting = setTimeout(ask, 350);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.formMethod === "post") return;
    if (see.hidden) {
      event.preventDefault();
      ask();
    }
  });
  // Typed before this script was here, or kept by the browser from an earlier visit: the page that came knows nothing of it.
  if (tag()) ask();
})();
