export function check(path: string, text: string): string[];
