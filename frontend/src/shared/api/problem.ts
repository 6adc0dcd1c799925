/** What the app answers when it refuses: RFC 9457 problem details, or the absence of an answer. */
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string | null;
  request_id?: string | null;
  errors?: { pointer: string; detail: string }[] | null;
  /** Of a version conflict: who changed the resource and when, as far as the server tells. */
  changed_by?: string | null;
  changed_at?: string | null;
  /** Who has the address or number already; of `person-known`. */
  person_id?: string;
  /** How many are in the stage; of `stage-in-use`. */
  people?: number;
}

export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly status: number;
  readonly body: ProblemBody;
  /** Seconds after which another try is allowed, when the server said so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: ProblemBody, retryAfter?: number) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** The message for one field of the request body, or for an entry of the list that the field holds. */
  fieldError(field: string): string | undefined {
    return this.body.errors?.find(({ pointer }) => pointer.split("/").includes(field))?.detail;
  }

  static async from(response: Response): Promise<ApiProblem> {
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    const body: ProblemBody = isJson ? await response.json() : { title: response.statusText };
    return new ApiProblem(response.status, body, Number(response.headers.get("retry-after")) || undefined);
  }
}

export const isStatus = (error: unknown, ...statuses: number[]): error is ApiProblem =>
  error instanceof ApiProblem && statuses.includes(error.status);

/** Whether this is the refusal of that name, the last part of its problem type. */
export const isProblem = (error: unknown, code: string): error is ApiProblem =>
  error instanceof ApiProblem && error.body.type?.split("/").at(-1) === code;

/** A sentence for a person, with the request's id when there is one to quote to support. */
export function explain(error: unknown): { message: string; requestId?: string | undefined } {
  if (error instanceof ApiProblem)
    return {
      message: error.status >= 500 ? "The server could not answer just now. Your work is not lost." : error.message,
      requestId: error.body.request_id ?? undefined,
    };
  const isAway = error instanceof TypeError;
  return {
    message: isAway ? "The server could not be reached. Check your connection." : "Something went wrong on this page.",
  };
}
