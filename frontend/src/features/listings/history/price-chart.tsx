import { useId } from "react";
import { useTenant } from "@/shared/api/tenant";
import { moment, money, shortMoney } from "@/shared/lib/format";
import type { PriceStep } from "./price-steps";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [320, 104, 46, 8, 12, 14];

/** A step line: a price holds until the next one. The table beneath says the same in words. */
export function PriceChart({ steps }: { steps: PriceStep[] }) {
  const { time_zone: zone } = useTenant();
  const titleId = useId();
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last || steps.length < 2) return null;
  const amounts = steps.map(({ price }) => price.amount);
  const [low, high] = [Math.min(...amounts), Math.max(...amounts)];
  const [from, to] = [Date.parse(first.at), Date.parse(last.at)];
  // A tenth of room after the last change, so that its level is a line and not a dot.
  const span = Math.max(1, to - from) * 1.1;
  const x = (at: string) => LEFT + ((Date.parse(at) - from) / span) * (WIDTH - LEFT - RIGHT);
  const y = (amount: number) => TOP + (high === low ? 0.5 : (high - amount) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const line = steps
    .map(
      ({ at, price }, index) =>
        `${index === 0 ? "M" : "H"}${x(at).toFixed(1)}${index === 0 ? " " : "V"}${y(price.amount).toFixed(1)}`,
    )
    .join("");
  return (
    <figure className="grid gap-2">
      <figcaption id={titleId} className="font-medium text-sm">
        List price over time
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="w-full max-w-sm" aria-hidden="true">
        {[...new Set([high, low])].map((amount) => (
          <g key={amount}>
            <path d={`M${LEFT} ${y(amount)}H${WIDTH - RIGHT}`} className="stroke-line" strokeDasharray="2 3" />
            <text x={LEFT - 6} y={y(amount) + 4} textAnchor="end" fontSize="11" className="fill-ink-soft">
              {shortMoney({ ...last.price, amount })}
            </text>
          </g>
        ))}
        <path
          d={`${line}H${WIDTH - RIGHT}`}
          fill="none"
          strokeWidth="2"
          strokeLinejoin="round"
          className="stroke-brand"
        />
        {steps.map(({ at, price }) => (
          <circle
            key={`${at} ${price.amount}`}
            cx={x(at)}
            cy={y(price.amount)}
            r="3.5"
            className="fill-brand stroke-surface"
            strokeWidth="1.5"
          />
        ))}
      </svg>
      <details className="text-sm">
        <summary className="w-fit rounded py-0.5 text-brand underline underline-offset-4">As a table</summary>
        <table aria-labelledby={titleId} className="mt-2 text-left tabular-nums">
          <thead>
            <tr className="text-ink-soft *:py-1 *:pr-6 *:font-normal">
              <th scope="col">Since</th>
              <th scope="col">List price</th>
            </tr>
          </thead>
          <tbody>
            {steps.toReversed().map(({ at, price }) => (
              <tr key={`${at} ${price.amount}`} className="border-line border-t *:py-1 *:pr-6">
                <th scope="row" className="font-normal">
                  {moment(at, zone)}
                </th>
                <td>{money(price)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
