import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { explain, isStatus } from "@/shared/api/problem";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { DropZone } from "@/shared/ui/drop-zone";
import { Progress } from "@/shared/ui/progress";
import { ACCEPTED, fileKind, MOST_ROWS, NO_TABLE, TOO_LARGE } from "./file-kind";
import { importQuery, importsQuery, sendImport } from "./queries";
import { useSubject } from "./subject";

interface Chosen {
  file: File;
  type: string;
}

/** Why the server did not take a file, and what to do. */
function refusal(error: unknown): string {
  if (isStatus(error, 413)) return `The file is too large. ${TOO_LARGE}`;
  if (isStatus(error, 415)) return NO_TABLE;
  return explain(error).message;
}

/** Sends the file as soon as it is chosen. Leaving the page stops that: an import begins when all of it is there. */
function useSending() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { path, home } = useSubject();
  const [part, setPart] = useState(0);
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const sending = useMutation({
    mutationFn: ({ file, type }: Chosen) => {
      setPart(0);
      stop.current = new AbortController();
      return sendImport(path, file, type, setPart, stop.current.signal);
    },
    onSuccess: async (found) => {
      client.setQueryData(importQuery(path, found.id).queryKey, found);
      void client.invalidateQueries({ queryKey: importsQuery(path).queryKey });
      await navigate(`${home}/imports/${found.id}`);
    },
  });
  const cancel = () => {
    stop.current?.abort();
    sending.reset();
  };
  return { sending, part, cancel };
}

/** Where the file comes in: dropped or chosen. What cannot be imported is refused here, before it is sent. */
export function FileDrop() {
  const input = useRef<HTMLInputElement>(null);
  const { record } = useSubject();
  const { sending, part, cancel } = useSending();
  const [refused, setRefused] = useState("");
  const take = (files: FileList | null) => {
    const [file, ...others] = files ?? [];
    if (!file || sending.isPending) return;
    const { type, refusal: words } = fileKind(file, record);
    setRefused(others.length > 0 ? "One file at a time, please." : words ? `${file.name}: ${words}` : "");
    sending.reset();
    if (type && others.length === 0) sending.mutate({ file, type });
  };
  const why = refused || (sending.isError ? refusal(sending.error) : "");
  return (
    <DropZone onFiles={take}>
      <div className="grid min-h-40 w-full max-w-xl content-center justify-items-center gap-4">
        {sending.isPending ? (
          <div className="w-full">
            <p className="mb-2 truncate font-medium">{sending.variables.file.name}</p>
            <Progress
              label={`Sending ${sending.variables.file.name}`}
              done={Math.round((part * sending.variables.file.size) / 1024)}
              total={Math.ceil(sending.variables.file.size / 1024)}
              unit="KB sent"
            />
          </div>
        ) : why ? (
          <div className="text-left">
            <Alert look="bad">{why}</Alert>
          </div>
        ) : (
          <p className="text-ink-soft text-sm">
            CSV, Excel (.xlsx) or JSON lines, with up to 10 MB and {MOST_ROWS} rows. The first row names the columns;
            files that are exported here have the right ones.
          </p>
        )}
        <div className="flex flex-wrap justify-center gap-2.5">
          <Button size="large" busy={sending.isPending} onClick={() => input.current?.click()}>
            {!sending.isPending && <FileUp aria-hidden />}
            {why ? "Choose another file" : "Choose a file"}
          </Button>
          {sending.isError && !refused && (
            <Button look="secondary" size="large" onClick={() => sending.mutate(sending.variables)}>
              Try again
            </Button>
          )}
          {sending.isPending && (
            <Button look="secondary" size="large" onClick={cancel}>
              Stop
            </Button>
          )}
        </div>
        <p className="text-ink-soft text-sm phone:hidden">or drop it here</p>
      </div>
      <input
        ref={input}
        type="file"
        accept={ACCEPTED}
        className="hidden"
        aria-label="File to import"
        onChange={({ target }) => {
          take(target.files);
          target.value = "";
        }}
      />
    </DropZone>
  );
}
