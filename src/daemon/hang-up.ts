/**
 * What SIGHUP does. Before the daemon can reload, the signal is kept in mind, so that it neither ends the process (its
 * default) nor gets lost.
 */
export class HangUp {
  #reload: (() => void) | undefined;
  #cameEarly = false;
  readonly #take = () => {
    if (this.#reload === undefined) this.#cameEarly = true;
    else this.#reload();
  };

  constructor() {
    process.on("SIGHUP", this.#take);
  }

  /** From now on each SIGHUP calls `reload`; at once, where one came before. */
  serve(reload: () => void): void {
    this.#reload = reload;
    if (this.#cameEarly) reload();
    this.#cameEarly = false;
  }

  /** SIGHUP does nothing any more: the daemon is stopping. */
  ignore(): void {
    this.#reload = () => {};
  }
}
