import { describe, expect, it } from "vitest";
import { check } from "./boundaries.mjs";

describe("the boundary check", () => {
  it.each([
    ["features/a/x.ts", `import { y } from "@/features/b/y";`],
    ["features/a/x.ts", `import { y } from "../b/y";`],
    ["features/a/x.ts", `import { y } from "@/app/y";`],
    ["features/a/x.ts", `const y = import("@/features/b/y");`],
    ["features/a/x.ts", `import { y } from "@/testing/y";`],
    ["shared/ui/x.tsx", `import { y } from "@/features/a/y";`],
    ["features/a/index.ts", ""],
    ["shared/x.ts", "\n".repeat(300)],
  ])("refuses %s: %s", (path, text) => {
    expect(check(path, text)).toHaveLength(1);
  });

  it.each([
    ["features/a/x.ts", `import { y } from "@/shared/y"; import { z } from "./z"; import React from "react";`],
    ["app/x.tsx", `import { y } from "@/features/a/y"; import { z } from "@/shared/z";`],
    ["features/a/x.test.tsx", `import { open } from "@/testing/open";`],
  ])("accepts %s: %s", (path, text) => {
    expect(check(path, text)).toEqual([]);
  });
});
