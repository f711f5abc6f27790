/** Foreign text for a terminal: its control characters must neither break the line nor command the terminal. */
export function printable(foreign: string): string {
  return foreign.replaceAll(/\p{Cc}/gu, '\uFFFD');
}
