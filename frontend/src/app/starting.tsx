import { BrandMark } from "@/shared/ui/brand";

/** Before the first answer: quiet, and only announced. */
export const Starting = () => (
  <div className="grid min-h-dvh place-items-center">
    <div role="status">
      <BrandMark className="size-10 animate-pulse" />
      <span className="sr-only">Loading</span>
    </div>
  </div>
);
