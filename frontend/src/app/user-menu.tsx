import { useMutation } from "@tanstack/react-query";
import { Keyboard, LogOut, UserRound } from "lucide-react";
import { useNavigate } from "react-router";
import { signOut, useSession } from "@/shared/api/session";
import { browser } from "@/shared/lib/browser";
import { words } from "@/shared/lib/format";
import { holdSignInAgain, resetSignInAgain } from "@/shared/lib/sign-in-again";
import { Avatar } from "@/shared/ui/avatar";
import { Menu, MenuItem, MenuSeparator } from "@/shared/ui/menu";

export function UserMenu({ onHelp }: { onHelp: () => void }) {
  const { user } = useSession();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: signOut,
    onMutate: holdSignInAgain,
    onError: resetSignInAgain,
    onSuccess: () => browser.leave("/sign-in"),
  });
  return (
    <>
      <Menu
        trigger={
          <button
            type="button"
            className="grid size-10 shrink-0 place-items-center rounded-full transition-colors hover:bg-sunken"
          >
            <Avatar name={user.name || user.email} />
            <span className="sr-only">Account of {user.name || user.email}</span>
          </button>
        }
      >
        <div className="px-2.5 py-2 text-sm">
          <p className="font-medium">{user.name}</p>
          <p className="max-w-60 truncate text-ink-soft">{user.email}</p>
          <p className="mt-1 text-ink-soft text-xs">{words(user.role)}</p>
        </div>
        <MenuSeparator />
        <MenuItem onSelect={() => navigate("/account")}>
          <UserRound aria-hidden />
          Your account
        </MenuItem>
        <MenuItem onSelect={onHelp}>
          <Keyboard aria-hidden />
          Keyboard shortcuts
        </MenuItem>
        <MenuItem onSelect={() => leave.mutate()}>
          <LogOut aria-hidden />
          Sign out
        </MenuItem>
      </Menu>
      {leave.isError && (
        <p
          role="alert"
          className="fixed inset-x-4 bottom-20 z-40 mx-auto max-w-sm rounded-lg bg-bad-soft px-4 py-3 text-on-bad-soft text-sm shadow-float"
        >
          You could not be signed out. Check your connection and try again.
        </p>
      )}
    </>
  );
}
