/** Leaving the single page: the only calls that unload it, gathered so that they can be watched. */
export const browser = {
  leave(address: string): void {
    window.location.assign(address);
  },
  reload(): void {
    window.location.reload();
  },
};
