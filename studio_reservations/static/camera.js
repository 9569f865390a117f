// What finds a QR code in the picture of a camera: the browser's own detector, or the reader that we bring.
// studioCamera(video, reader, found, again) asks for the camera, shows it in `video` and calls found(code) for each code seen,
// not twice within `again` ms for the same one; it resolves when the camera runs, and rejects where there is none.
"use strict";
{
  const LOOK_MS = 180;

  function load(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.nonce = document.querySelector("script[nonce]")?.nonce ?? "";
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error("no reader")));
      document.head.append(script);
    });
  }

  async function lookFor(reader) {
    if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats().catch(() => [])).includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (video) => (await detector.detect(video))[0]?.rawValue;
    }
    await load(reader);
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

  window.studioCamera = async function (video, reader, found, again) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("no camera");
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    const stop = () => stream.getTracks().forEach((track) => track.stop());
    try {
      video.srcObject = stream;
      await video.play();
      const look = await lookFor(reader);
      window.addEventListener("pagehide", stop);
      let last = { code: "", at: 0 };
      const step = async () => {
        if (video.readyState >= 2 && !document.hidden) {
          const code = await look(video).catch(() => null);
          if (code && (code !== last.code || Date.now() - last.at > again)) {
            last = { code, at: Date.now() };
            await found(code);
          }
        }
        setTimeout(step, LOOK_MS);
      };
      step();
    } catch (error) {
      stop();
      throw error;
    }
  };
}
