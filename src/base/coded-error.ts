/** A fault: one of a closed set of codes, and its facts. */
export interface Coded {
  readonly code: string;
}

/** The message of each code; `cause` is the underlying error's message, or says that there is none. */
export type Sentences<Fault extends Coded> = {
  readonly [Code in Fault["code"]]: (fault: Extract<Fault, { readonly code: Code }>, cause: string) => string;
};

/**
 * An error that was foreseen: decide by `fault.code`, never by the message, which is for people. It is shown without its
 * stack, which would add nothing to the message.
 */
export abstract class CodedError<Fault extends Coded> extends Error {
  readonly fault: Fault;

  constructor(sentences: Sentences<Fault>, fault: Fault, options?: ErrorOptions) {
    const sentence = sentences[fault.code as Fault["code"]] as (fault: Fault, cause: string) => string;
    super(sentence(fault, reasonOf(options?.cause)), options);
    this.fault = fault;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "no reason given";
}
