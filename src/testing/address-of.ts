import { type Address, parseAddress } from "../transport/address.js";

/** An address, or the text it is written as: `host:port`, or the path of a socket file. */
export type AddressLike = Address | string;

/** @throws AddressError */
export function addressOf(address: AddressLike): Address {
  return typeof address === "string" ? parseAddress(address) : address;
}
