/** An answer of the control port. */
export interface Answer {
  readonly status: number;
  readonly reply: unknown;
}

/** Sends requests such as `POST /mark` to a control port. */
export const askOf =
  (url: string) =>
  async (request: string, given?: unknown): Promise<Answer> => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const body = given === undefined ? null : typeof given === 'string' ? given : JSON.stringify(given);
    const response = await fetch(`${url}${path}`, { method, body });
    return { status: response.status, reply: await response.json() };
  };
