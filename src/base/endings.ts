/** Ends parts that were opened one after another, the last first. */
export interface Endings {
  /** Adds the function that ends a part just opened. */
  atEnd(ending: () => unknown): void;
  /** Ends all parts. Idempotent. */
  end(): Promise<void>;
}

/** Opens parts; if one cannot be opened, those before it are ended. @throws what `open` throws */
export async function openWithEndings<Opened>(open: (endings: Endings) => Promise<Opened>): Promise<Opened> {
  const endings: (() => unknown)[] = [];
  const end = async () => {
    for (const ending of endings.splice(0)) await ending();
  };
  try {
    return await open({ atEnd: (ending) => endings.unshift(ending), end });
  } catch (error) {
    await end();
    throw error;
  }
}
