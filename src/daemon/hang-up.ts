/**
 * Handles SIGHUP. A signal that arrives before the daemon can reload is remembered, so that it neither ends the process
 * (its default) nor gets lost.
 */
export class HangUp {
  #reload: (() => Promise<void>) | undefined;
  /** A signal arrived, and no reload has started for it yet. */
  #isRequested = false;
  #isReloading = false;
  readonly #onSignal = () => {
    this.#isRequested = true;
    void this.#reloadWhileRequested();
  };

  constructor() {
    process.on("SIGHUP", this.#onSignal);
  }

  /**
   * From now on SIGHUP calls `reload`, which must not reject; at once if a signal has arrived already. One reload at a time:
   * all signals that arrive during one cause one more, which sees whatever they were sent for.
   */
  serve(reload: () => Promise<void>): void {
    this.#reload = reload;
    void this.#reloadWhileRequested();
  }

  /** From now on SIGHUP does nothing: the daemon is stopping. */
  ignore(): void {
    this.#reload = async () => {};
  }

  async #reloadWhileRequested(): Promise<void> {
    if (this.#isReloading) return;
    this.#isReloading = true;
    while (this.#isRequested && this.#reload !== undefined) {
      this.#isRequested = false;
      await this.#reload();
    }
    this.#isReloading = false;
  }
}
