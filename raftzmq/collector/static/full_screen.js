// A panel alone on the whole screen, and back: for a room that looks at nothing else.

/** Let a button do that for `element`; `changed` is called when it is there, or back. */
export function wholeScreen(button, element, changed) {
  if (!document.fullscreenEnabled) {
    button.hidden = true;
    return;
  }
  button.onclick = () => {
    const left = document.fullscreenElement === element ? document.exitFullscreen() : element.requestFullscreen();
    left.catch(() => undefined); // the browser said no, and the viewer sees it
  };
  element.addEventListener("fullscreenchange", () => {
    button.ariaPressed = String(document.fullscreenElement === element);
    changed();
  });
}
