import { useRouteError } from "react-router";
import { browser } from "@/shared/lib/browser";
import { Failure } from "@/shared/ui/failure";

/** When a page cannot be shown at all. */
export function RouteFailure() {
  const error = useRouteError();
  return (
    <main id="main" tabIndex={-1} className="mx-auto grid min-h-dvh max-w-lg content-center px-4">
      <h1 tabIndex={-1} className="sr-only">
        This page could not be shown
      </h1>
      <Failure title="This page could not be shown" error={error} onRetry={browser.reload} />
    </main>
  );
}
