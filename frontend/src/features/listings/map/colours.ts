/** The design's colours as the map's renderer understands them: it knows neither OKLCH nor light-dark(). */
const NAMES = { land: "--sunken", line: "--line", area: "--brand" } as const;

export type MapColours = Record<keyof typeof NAMES, string>;

export function mapColours(element: Element): MapColours {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const probe = document.createElement("span");
  element.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(${name})`;
    if (!context) return "#888";
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return `rgb(${red}, ${green}, ${blue})`;
  };
  const colours = { land: read(NAMES.land), line: read(NAMES.line), area: read(NAMES.area) };
  probe.remove();
  return colours;
}
