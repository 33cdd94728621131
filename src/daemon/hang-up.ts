/**
 * What SIGHUP does. Before the daemon can reload, the signal is kept in mind, so that it neither ends the process (its
 * default) nor gets lost.
 */
export class HangUp {
  #reload: (() => Promise<void>) | undefined;
  /** A signal that no reload has begun for. */
  #isWanted = false;
  #isReloading = false;
  readonly #take = () => {
    this.#isWanted = true;
    void this.#reloadWhileWanted();
  };

  constructor() {
    process.on("SIGHUP", this.#take);
  }

  /**
   * From now on SIGHUP calls `reload`, which must not reject; at once, where one came before. One reload at a time: all
   * signals that come during one bring one more, which sees whatever they were sent for.
   */
  serve(reload: () => Promise<void>): void {
    this.#reload = reload;
    void this.#reloadWhileWanted();
  }

  /** SIGHUP does nothing any more: the daemon is stopping. */
  ignore(): void {
    this.#reload = async () => {};
  }

  async #reloadWhileWanted(): Promise<void> {
    if (this.#isReloading) return;
    this.#isReloading = true;
    while (this.#isWanted && this.#reload !== undefined) {
      this.#isWanted = false;
      await this.#reload();
    }
    this.#isReloading = false;
  }
}
