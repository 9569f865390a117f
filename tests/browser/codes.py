"""Reading a check-in code from a screenshot, by two decoders."""

from __future__ import annotations

import base64
from pathlib import Path

import zxingcpp
from playwright.sync_api import Browser

STATIC = Path(__file__).parents[2] / "studio_reservations" / "static"
JSQR = (STATIC / "vendor" / "jsqr-1.4.0.min.js").read_text()
DECODE = """async (picture) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const grey = Array.from({ length: pixels.length / 4 }, (_, place) => String.fromCharCode(pixels[place * 4])).join("");
  return [image.width, image.height, btoa(grey), jsQR(pixels, image.width, image.height)?.data];
}"""


def read_by_two(browser: Browser, picture: bytes) -> tuple[str, str]:
    """Return what jsQR and ZXing read in a screenshot."""
    page = browser.new_page()  # blank: without the policy of the page that was photographed
    page.add_script_tag(content=JSQR)
    width, height, grey, by_jsqr = page.evaluate(DECODE, base64.b64encode(picture).decode())
    page.close()
    (by_zxing,) = zxingcpp.read_barcodes(memoryview(base64.b64decode(grey)).cast("B", shape=[height, width]))
    return by_jsqr, by_zxing.text
