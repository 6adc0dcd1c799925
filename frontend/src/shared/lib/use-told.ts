import { useEffect, useRef, useState } from "react";

/**
 * What a live region says. `tell` leaves the focus where it is; `tellAndFocus` takes it to the region, because what had
 * it is gone.
 */
export function useTold() {
  const [words, tell] = useState("");
  // Counted: two losses in a row may be told in the same words.
  const [losses, setLosses] = useState(0);
  const region = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (losses > 0) region.current?.focus();
  }, [losses]);
  const tellAndFocus = (said: string) => {
    tell(said);
    setLosses((times) => times + 1);
  };
  return { region, words, tell, tellAndFocus };
}
