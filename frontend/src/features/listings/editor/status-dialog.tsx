import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { explain, isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { StandardStatus, StatusChange } from "@/shared/api/types";
import { type MoneyLike, minorDigits, money } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { type EditName, labelOf, specOf } from "./fields";
import { UNFINISHED } from "./notation";
import { changeStatus } from "./requests";
import { moveOf } from "./status-moves";
import { goToField, useDraft, useDraftState } from "./use-draft";
import { isUnfinished, readMoney } from "./values";

interface StatusDialogProps {
  to: StandardStatus;
  onClose: (moved: boolean) => void;
}

const today = (zone: string): string => new Date().toLocaleDateString("en-CA", { timeZone: zone });

/** Asks for what a move needs, does it, and leads to the fields that the listing lacks for it. */
export function StatusDialog({ to, onClose }: StatusDialogProps) {
  const draft = useDraft();
  const { base, save } = useDraftState();
  const { currency, time_zone: zone } = useTenant();
  const [price, setPrice] = useState("");
  const [date, setDate] = useState(() => today(zone));
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const move = moveOf(base.standard_status, to);
  const closes = to === "Closed";
  const isCorrection = base.standard_status === "Closed";
  const closePrice = readMoney(price, currency, minorDigits(currency));
  const isReady = (!closes || (isMoney(closePrice) && date !== "")) && (!isCorrection || reason.trim() !== "");
  const change = useMutation({
    mutationFn: () => {
      const closing = closes ? { close_price: closePrice as MoneyLike, close_date: date } : {};
      const wanted: StatusChange = { standard_status: to, reason: reason.trim() || null, ...closing };
      return draft.act((version) => changeStatus(base.id, wanted, version));
    },
    onSuccess: () => onClose(true),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isReady && !change.isPending) change.mutate();
  };
  const leaveFor = (name: EditName) => {
    onClose(false);
    // The dialog gives the focus back as it closes; the field takes it after that.
    setTimeout(() => goToField(name));
  };
  const refused = isStatus(change.error, 422) ? change.error : undefined;
  const priceError = isMoney(closePrice) ? refused?.fieldError("close_price") : isTried ? UNFINISHED.money : undefined;
  return (
    <Dialog
      open
      onClose={() => onClose(false)}
      title={move.words}
      shape="popup"
      footer={
        <div className="flex flex-1 flex-wrap-reverse gap-2.5 *:flex-1">
          <Button look="secondary" onClick={() => onClose(false)}>
            Not now
          </Button>
          <Button type="submit" form="status-change" busy={change.isPending}>
            {move.words}
          </Button>
        </div>
      }
    >
      <form id="status-change" noValidate className="grid gap-4" onSubmit={submit}>
        <p className="text-ink-soft">{move.meaning}</p>
        {closes && (
          <>
            <Field
              label="Close price"
              inputMode="decimal"
              hint={`Listed at ${money(base.list_price)}`}
              value={price}
              error={priceError}
              onChange={({ target }) => setPrice(target.value)}
            />
            <Field
              label="Close date"
              type="date"
              value={date}
              error={date === "" && isTried ? "The day of the closing is needed." : refused?.fieldError("close_date")}
              onChange={({ target }) => setDate(target.value)}
            />
          </>
        )}
        {base.standard_status !== "Incomplete" && (
          <Field
            label={isCorrection ? "Reason" : "Reason (optional)"}
            maxLength={500}
            value={reason}
            error={isCorrection && isTried && !isReady ? "A correction needs a reason." : undefined}
            hint="Kept in the listing’s history"
            onChange={({ target }) => setReason(target.value)}
          />
        )}
        {save.kind === "held" && (
          <Alert look="info">Some of your edits are not saved yet and will not be part of this.</Alert>
        )}
        <Refusal error={change.error} onGo={leaveFor} />
      </form>
    </Dialog>
  );
}

const isMoney = (value: ReturnType<typeof readMoney>): value is MoneyLike => value !== null && !isUnfinished(value);

function Refusal({ error, onGo }: { error: Error | null; onGo: (name: EditName) => void }) {
  if (!error) return null;
  const missing = isStatus(error, 422) ? (error.body.errors ?? []) : [];
  const fields = missing.flatMap(({ pointer, detail }) => {
    const spec = specOf(pointer.split("/")[1] ?? "");
    return spec ? [{ name: spec.name, detail }] : [];
  });
  if (fields.length > 0)
    return (
      <Alert look="bad">
        <p>The listing lacks something for this:</p>
        <ul className="mt-1.5 grid gap-1.5">
          {fields.map(({ name, detail }) => (
            <li key={name}>
              <button type="button" className="text-left underline underline-offset-4" onClick={() => onGo(name)}>
                {labelOf(name)}
              </button>
              : {detail}
            </li>
          ))}
        </ul>
      </Alert>
    );
  if (isStatus(error, 412))
    return (
      <Alert look="bad">
        {error.body.changed_by ?? "Someone else"} changed this listing just now. Look at it, then decide again.
      </Alert>
    );
  if (missing.some(({ pointer }) => pointer.includes("close_"))) return null;
  return <Alert look="bad">{explain(error).message}</Alert>;
}
