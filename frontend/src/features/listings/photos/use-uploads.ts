import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { listingQuery } from "../queries";
import { sendPhoto } from "./upload";
import { Uploads } from "./uploads";

/** The uploads of a listing for as long as its editor is open. A picture that has arrived is one of the listing's photos. */
export function useUploads(listing: string): Uploads {
  const client = useQueryClient();
  const [uploads] = useState(
    () =>
      new Uploads(
        (file, onProgress, signal) => sendPhoto(listing, file, onProgress, signal),
        () => void client.invalidateQueries({ queryKey: listingQuery(listing).queryKey }),
      ),
  );
  useEffect(() => () => uploads.stop(), [uploads]);
  return uploads;
}
