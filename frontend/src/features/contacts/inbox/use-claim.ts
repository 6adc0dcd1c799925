import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isProblem, isStatus } from "@/shared/api/problem";
import type { Lead } from "@/shared/api/types";
import { nameOf } from "@/shared/lib/name-of";
import { refreshContacts } from "../queries";
import { claimLead, winnerOf } from "./lead-queries";

interface Outcome {
  won: boolean;
  words: string;
  /** Whom one looks after now. */
  person?: Lead["person"];
}

async function lost(lead: Lead, error: Error): Promise<string> {
  if (isStatus(error, 404)) return `${lead.name} is not yours to claim any more.`;
  if (!isProblem(error, "lead-taken")) return explain(error).message;
  const winner = await winnerOf(lead.id).catch(() => null);
  return `${winner ? nameOf(winner) : "A colleague"} was quicker and looks after ${lead.name} now.`;
}

/** Claims leads, one at a time. The loser of a race is told who won, as far as they may know. */
export function useClaim() {
  const client = useQueryClient();
  const [outcome, setOutcome] = useState<Outcome>();
  const claim = useMutation({
    mutationFn: ({ id }: Lead) => claimLead(id),
    onMutate: () => setOutcome(undefined),
    onSuccess: ({ person }) => setOutcome({ won: true, words: `You look after ${person.name} now.`, person }),
    onError: async (error, lead) => setOutcome({ won: false, words: await lost(lead, error) }),
    onSettled: () => refreshContacts(client),
  });
  return { claim: claim.mutate, claiming: claim.isPending ? claim.variables.id : undefined, outcome };
}
