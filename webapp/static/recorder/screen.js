// Keeps the screen on while a ride is recorded, and says whether that holds: browsers stop when it goes off.
export function keepScreenOn(tell) {
  let lock, isWanted = true;
  const take = async () => {
    if (!isWanted || lock || document.visibilityState !== "visible") return;
    try {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => { lock = undefined; if (isWanted) tell(false); });
      if (!isWanted) lock.release();
      else tell(true);
    } catch {
      tell(false); // battery saver, or a browser that cannot
    }
  };
  document.addEventListener("visibilitychange", take);
  document.addEventListener("pointerup", take); // some browsers want a touch after a return
  take();
  return () => {
    isWanted = false;
    document.removeEventListener("visibilitychange", take);
    document.removeEventListener("pointerup", take);
    lock?.release();
  };
}
