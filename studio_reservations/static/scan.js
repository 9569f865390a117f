// Reading codes at the desk: by the camera, or by a scanner that types and presses Enter. Without this file the form alone does.
"use strict";
{
  const AGAIN_MS = 4000;
  const LOOK_MS = 180;
  const by = (id) => document.getElementById(id);
  const form = by("scan-form");
  const field = by("scan-code");
  const says = by("scan-says");
  const script = by("scan-script");
  const seen = new Map();
  let busy = false;

  function show(ok, message) {
    says.hidden = false;
    says.className = `st-notice ${ok ? "is-good" : "is-bad"}`;
    const text = document.createElement("span");
    text.textContent = message;
    says.replaceChildren(text);
    by("scan-list").hidden = false;
    const line = document.createElement("li");
    line.textContent = message;
    if (!ok) line.className = "st-2";
    const log = by("scan-log");
    log.prepend(line);
    while (log.children.length > 8) log.lastElementChild.remove();
    navigator.vibrate?.(ok ? 60 : [60, 80, 60]);
  }

  function post(code) {
    const body = new FormData(form);
    body.set("code", code);
    return fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "studio" }, redirect: "manual" });
  }

  async function send(code) {
    busy = true;
    try {
      let answer = await post(code);
      if (answer.status === 403) {
        // The page has been open for longer than its token is good: it comes with a new one.
        const page = new DOMParser().parseFromString(await (await fetch(location.href, { cache: "no-store" })).text(), "text/html");
        form.elements.csrf_token.value = page.querySelector("#scan-form [name=csrf_token]").value;
        answer = await post(code);
      }
      if (!answer.headers.get("Content-Type")?.startsWith("application/json")) throw new Error("another page");
      const said = await answer.json();
      show(answer.ok && said.ok, said.message);
    } catch {
      show(false, "The desk is not reached, and nobody was checked in. Load this page anew and scan again.");
    } finally {
      busy = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = field.value.trim();
    field.value = "";
    field.focus();
    if (code && !busy) send(code);
  });

  function load(address) {
    return new Promise((resolve, reject) => {
      const reader = document.createElement("script");
      reader.src = address;
      reader.nonce = script.nonce;
      reader.addEventListener("load", resolve);
      reader.addEventListener("error", () => reject(new Error("no reader")));
      document.head.append(reader);
    });
  }

  // What finds a code in the picture of the camera: the browser's own detector, or the one that we bring.
  async function reader() {
    if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats().catch(() => [])).includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (video) => (await detector.detect(video))[0]?.rawValue;
    }
    await load(script.dataset.reader);
    const canvas = document.createElement("canvas");
    const paper = canvas.getContext("2d", { willReadFrequently: true });
    return async (video) => {
      const scale = Math.min(1, 640 / video.videoWidth);
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      paper.drawImage(video, 0, 0, canvas.width, canvas.height);
      const picture = paper.getImageData(0, 0, canvas.width, canvas.height);
      return jsQR(picture.data, picture.width, picture.height, { inversionAttempts: "dontInvert" })?.data;
    };
  }

  async function start() {
    const why = by("scan-why");
    const video = by("scan-video");
    why.hidden = true;
    by("scan-start").disabled = true;
    let stream = null;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      video.srcObject = stream;
      by("scan-camera").hidden = false;
      await video.play();
      const look = await reader();
      by("scan-start").hidden = true;
      window.addEventListener("pagehide", () => stream.getTracks().forEach((track) => track.stop()));
      const again = async () => {
        if (video.readyState >= 2 && !busy && !document.hidden) {
          const code = await look(video).catch(() => null);
          // A code that stays in view is one scan.
          const known = Date.now() - (seen.get(code) ?? 0) < AGAIN_MS;
          if (code) seen.set(code, Date.now());
          if (code && !known) await send(code);
        }
        setTimeout(again, LOOK_MS);
      };
      again();
    } catch (error) {
      stream?.getTracks().forEach((track) => track.stop());
      by("scan-camera").hidden = true;
      by("scan-start").disabled = false;
      why.hidden = false;
      why.textContent =
        error.name === "NotAllowedError"
          ? "The browser does not let this page use the camera. Allow it beside the address, or type the code."
          : "No camera was found. Use a scanner on a cable, or type the code.";
    }
  }

  if (navigator.mediaDevices?.getUserMedia) {
    by("scan-start").hidden = false;
    by("scan-start").addEventListener("click", start);
  } else {
    by("scan-why").hidden = false;
    by("scan-why").textContent = "The camera needs a connection by https. A scanner on a cable works here too.";
  }
}
