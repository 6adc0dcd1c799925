import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiProblem, isStatus } from "@/shared/api/problem";
import { sessionQuery } from "@/shared/api/session";
import { signInAgain } from "@/shared/lib/sign-in-again";

const RETRIES = 2;

/** A refusal (4xx) is an answer; only a failure is tried again. */
const retry = (failures: number, error: Error): boolean =>
  failures < RETRIES && !(error instanceof ApiProblem && error.status < 500);

/** `address` tells where the person is or is going: there they come back after signing in again. */
export function createQueryClient(address: () => string): QueryClient {
  // A 401 on a page that was already open means that its session has ended. The first one is the route loader's matter.
  const onError = (error: Error): void => {
    // A page that was allowed and is not any more: what the person may do has changed meanwhile.
    if (isStatus(error, 403)) void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    if (isStatus(error, 401) && client.getQueryData(sessionQuery.queryKey)) signInAgain(address(), { ended: true });
  };
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry } },
  });
  return client;
}
