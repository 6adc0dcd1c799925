import { useState } from "react";
import type { PropertyDetail } from "@/shared/api/types";
import { Photo } from "./photo";

/** One large picture and a strip to choose from. */
export function Gallery({ photos }: { photos: PropertyDetail["photos"] }) {
  const [chosen, setChosen] = useState(0);
  const photo = photos[chosen] ?? photos[0];
  return (
    <section aria-label="Photos" className="grid gap-2.5">
      <Photo photo={photo} first className="aspect-[3/2] w-full rounded-xl border border-line" />
      {photos.length > 1 && (
        <ul className="flex flex-wrap gap-2.5">
          {photos.map(({ url, alt }, index) => (
            <li key={url}>
              <button
                type="button"
                aria-label={`Photo ${index + 1} of ${photos.length}`}
                aria-current={index === chosen}
                onClick={() => setChosen(index)}
                className="block overflow-hidden rounded-lg border-2 border-transparent opacity-75 transition-opacity hover:opacity-100 aria-[current=true]:border-brand aria-[current=true]:opacity-100"
              >
                <Photo photo={{ url, alt: "" }} className="aspect-[3/2] w-20 sm:w-24" />
                <span className="sr-only">{alt}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
