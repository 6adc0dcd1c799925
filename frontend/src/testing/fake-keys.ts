/** Answers by Idempotency-Key: what comes again with a key gets the answer of the first that had it. */
export class FakeKeys {
  #answers = new Map<string, Promise<Response>>();

  async answer(request: Request, handle: () => Promise<Response>): Promise<Response> {
    const key = request.headers.get("idempotency-key");
    if (!key) return handle();
    const answer = this.#answers.get(key) ?? handle();
    this.#answers.set(key, answer);
    const response = (await answer).clone();
    if (!response.ok) this.#answers.delete(key);
    return response;
  }
}
