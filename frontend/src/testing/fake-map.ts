/**
 * A MapLibre with state and without a graphics processor: it knows where it looks, tells of its moves at once and lays
 * its elements out as the real one does. Tests put it in the place of the module `maplibre-gl`.
 */
const WIDTH = 600;
const HEIGHT = 500;
const TILE = 512;

type Listener = (event: Record<string, unknown>) => void;
type LngLat = [number, number];
interface Camera {
  center: LngLat;
  zoom: number;
}

const mercator = (latitude: number) => Math.log(Math.tan(Math.PI / 4 + (latitude * Math.PI) / 360));
const latitudeAt = (y: number) => (Math.atan(Math.exp(y)) * 360) / Math.PI - 90;

class FakeMap {
  /** The map that was made last. */
  static last: FakeMap;
  #camera: Camera = { center: [0, 0], zoom: 0 };
  #listeners = new Map<string, Set<Listener>>();
  #container: HTMLElement;
  #canvasContainer = document.createElement("div");
  #canvas = document.createElement("canvas");
  /** What each source was given last. */
  sources = new Map<string, unknown>();
  isRemoved = false;
  keyboard = { disableRotation() {} };
  touchZoomRotate = { disableRotation() {} };
  doubleClickZoom = { disable() {}, enable() {} };

  constructor({ container, bounds }: { container: HTMLElement; bounds: [number, number, number, number] }) {
    this.#container = container;
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute("role", "region");
    this.#canvas.setAttribute("aria-label", "Map");
    this.#canvasContainer.append(this.#canvas);
    container.append(this.#canvasContainer);
    this.#look(bounds);
    FakeMap.last = this;
    queueMicrotask(() => this.#tell("load", {}));
  }

  #look([west, south, east, north]: [number, number, number, number], maxZoom = 20): void {
    const across = Math.max(east - west, 1e-7) / 360;
    const up = Math.max(mercator(north) - mercator(south), 1e-9) / (2 * Math.PI);
    const zoom = Math.min(maxZoom, Math.log2(WIDTH / TILE / across), Math.log2(HEIGHT / TILE / up));
    this.#camera = { center: [(west + east) / 2, latitudeAt((mercator(south) + mercator(north)) / 2)], zoom };
  }

  get #scale(): number {
    return TILE * 2 ** this.#camera.zoom;
  }
  #tell(name: string, event: Record<string, unknown>): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(event);
  }
  on(name: string, listener: Listener): void {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }
  off(name: string, listener: Listener): void {
    this.#listeners.get(name)?.delete(listener);
  }
  once(name: string, listener: Listener): void {
    const heard: Listener = (event) => {
      this.off(name, heard);
      listener(event);
    };
    this.on(name, heard);
  }
  project([longitude, latitude]: LngLat): { x: number; y: number } {
    const [lng, lat] = this.#camera.center;
    return {
      x: WIDTH / 2 + ((longitude - lng) / 360) * this.#scale,
      y: HEIGHT / 2 - ((mercator(latitude) - mercator(lat)) / (2 * Math.PI)) * this.#scale,
    };
  }
  getBounds() {
    const [lng, lat] = this.#camera.center;
    const across = ((WIDTH / 2) * 360) / this.#scale;
    const up = ((HEIGHT / 2) * 2 * Math.PI) / this.#scale;
    const [south, north] = [latitudeAt(mercator(lat) - up), latitudeAt(mercator(lat) + up)];
    return { getWest: () => lng - across, getEast: () => lng + across, getSouth: () => south, getNorth: () => north };
  }
  getCenter = () => ({ lng: this.#camera.center[0], lat: this.#camera.center[1] });
  getZoom = () => this.#camera.zoom;
  getCanvas = () => this.#canvas;
  getCanvasContainer = () => this.#canvasContainer;
  getContainer = () => this.#container;
  getSource = (name: string) => ({ setData: (data: unknown) => this.sources.set(name, data) });
  setPaintProperty(): void {}

  #move(event: Record<string, unknown>): void {
    this.#tell("move", event);
    this.#tell("moveend", event);
  }
  fitBounds(bounds: [number, number, number, number], { maxZoom = 20 } = {}, event = {}): void {
    this.#look(bounds, maxZoom);
    this.#move(event);
  }
  zoomIn(_: object, event = {}): void {
    this.#camera.zoom += 1;
    this.#move(event);
  }
  zoomOut(_: object, event = {}): void {
    this.#camera.zoom -= 1;
    this.#move(event);
  }
  /** A person drags the map until this lies in its middle. */
  drag(center: LngLat): void {
    this.#camera.center = center;
    this.#move({ originalEvent: new Event("mousemove") });
  }
  /** A person presses the map there. */
  press(lng: number, lat: number): void {
    this.#tell("click", { lngLat: { lng, lat } });
  }
  remove(): void {
    this.isRemoved = true;
    this.#canvasContainer.remove();
  }
}

export { FakeMap, FakeMap as Map };
export const setWorkerUrl = (): void => {};
export const setWorkerCount = (): void => {};
