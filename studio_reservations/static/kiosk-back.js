// Back to the door by itself, so that the next one finds a clean screen.
"use strict";
{
  const page = document.querySelector("[data-back]");
  setTimeout(() => location.replace(page.dataset.back), Number(page.dataset.seconds) * 1000);
}
