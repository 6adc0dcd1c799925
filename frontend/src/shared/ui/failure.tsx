import { CloudOff } from "lucide-react";
import { useEffect, useEffectEvent } from "react";
import { explain, isStatus } from "@/shared/api/problem";
import { Button } from "./button";

interface FailureProps {
  title: string;
  error: unknown;
  onRetry: () => void;
  retrying?: boolean;
}

/** A part of a page that could not be loaded: what happened, the id to quote, and another try; of itself when the server said when. */
export function Failure({ title, error, onRetry, retrying = false }: FailureProps) {
  const { message, requestId } = explain(error);
  const again = useEffectEvent(onRetry);
  useEffect(() => {
    if (!isStatus(error, 429)) return;
    const timer = setTimeout(again, (error.retryAfter ?? 60) * 1000);
    return () => clearTimeout(timer);
  }, [error]);
  return (
    <div role="alert" className="card grid justify-items-center gap-2 px-6 py-12 text-center">
      <div className="mb-2 grid size-12 place-items-center rounded-2xl bg-bad-soft text-on-bad-soft">
        <CloudOff className="size-5.5" aria-hidden />
      </div>
      <h2 className="font-semibold text-lg">{title}</h2>
      <p className="text-ink-soft">{message}</p>
      {requestId && (
        <p className="text-ink-soft text-sm">
          Request <code className="font-mono">{requestId}</code>
        </p>
      )}
      <Button look="secondary" className="mt-3" onClick={onRetry} busy={retrying}>
        Try again
      </Button>
    </div>
  );
}
