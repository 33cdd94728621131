import { type Address, AddressError, parseAddress } from "../transport/address.js";

const maxPort = 65_535;

/**
 * The addresses at which several forwarders listen: paths are numbered from `-1`, ports count up; with port 0 each gets a free one.
 * @throws AddressError
 */
export function nodeAddresses(first: Address, count: number): Address[] {
  if (count === 1) return [first];
  return Array.from({ length: count }, (_, index) => {
    if (first.kind === "unix") return parseAddress(`${first.path}-${index + 1}`);
    const port = first.port === 0 ? 0 : first.port + index;
    if (port > maxPort)
      throw new AddressError(`there are only ${maxPort - first.port + 1} ports from ${first.port} on`);
    return { ...first, port };
  });
}
