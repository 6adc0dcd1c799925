import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem, isStatus } from "@/shared/api/problem";
import { signInAgain } from "@/shared/lib/sign-in-again";

const RETRIES = 2;

/** A refusal (4xx) is an answer; only a failure is tried again. */
const retry = (failures: number, error: Error): boolean =>
  failures < RETRIES && !(error instanceof ApiProblem && error.status < 500);

/** A 401 on a page that was already open means that its session has ended. The first one is the route loader's matter. */
function onError(error: Error, client: () => QueryClient): void {
  if (isStatus(error, 401) && client().getQueryData(["session"]))
    signInAgain(window.location.pathname + window.location.search, { ended: true });
}

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: (error) => onError(error, () => client) }),
    mutationCache: new MutationCache({ onError: (error) => onError(error, () => client) }),
    defaultOptions: { queries: { retry } },
  });
  return client;
}
