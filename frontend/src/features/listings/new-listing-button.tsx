import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useNavigate } from "react-router";
import { api, body } from "@/shared/api/client";
import { explain } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import { Button } from "@/shared/ui/button";
import { listingQuery, MINE } from "./queries";

const createListing = (agent: string) => body(api.POST("/api/v1/properties", { body: { list_agent_id: agent } }));

/** Makes a draft with its maker as the agent, which nobody else sees, and opens it for editing. */
export function NewListingButton({ className, children }: { className?: string; children: ReactNode }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { user } = useSession();
  const create = useMutation({
    mutationFn: () => createListing(user.id),
    onSuccess: async (listing) => {
      client.setQueryData(listingQuery(listing.id).queryKey, listing);
      void client.invalidateQueries({ queryKey: MINE });
      await navigate(`/listings/${listing.id}/edit`);
    },
  });
  return (
    <div className={className}>
      <Button size="small" busy={create.isPending} onClick={() => create.mutate()}>
        {children}
      </Button>
      {create.isError && (
        <p role="alert" className="mt-1 max-w-72 text-bad text-sm">
          No listing was made. {explain(create.error).message}
        </p>
      )}
    </div>
  );
}
