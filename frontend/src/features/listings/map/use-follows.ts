import { useState } from "react";

const KEY = "rooftree.search-as-map-moves";

/** Whether the search goes along with the map; remembered on this device. */
export function useFollows(): [boolean, (on: boolean) => void] {
  const [follows, setFollows] = useState(() => localStorage.getItem(KEY) !== null);
  const set = (on: boolean): void => {
    if (on) localStorage.setItem(KEY, "1");
    else localStorage.removeItem(KEY);
    setFollows(on);
  };
  return [follows, set];
}
