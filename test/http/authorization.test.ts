import { describe, expect, test } from "vitest";
import { Authorization } from "../../src/http/authorization.js";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("a bearer token", () => {
  const authorization = new Authorization({ bearerToken: "s3cret-täken" });
  const token = Buffer.from("s3cret-täken").toString("latin1");

  test.each([`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token} `])("%j is accepted", (header) => {
    expect(authorization.accepts(header)).toBe(true);
  });

  test.each([
    undefined,
    "",
    token,
    "Bearer",
    "Bearer ",
    "Bearer s3cret",
    `Bearer ${token}x`,
    `Basic ${token}`,
    basic(`:${token}`),
    `Bearer ${token} ${token}`,
  ])("%j is refused", (header) => {
    expect(authorization.accepts(header)).toBe(false);
  });
});

describe("a user and password", () => {
  const authorization = new Authorization({ user: "ödin", password: "one:eye" });

  test("are accepted if both are right", () => {
    expect(authorization.accepts(basic("ödin:one:eye"))).toBe(true);
  });

  test.each([
    undefined,
    basic("ödin:one"),
    basic("ödin"),
    basic(""),
    basic(":one:eye"),
    "Basic !!!",
    "Bearer one:eye",
  ])("are refused as %j", (header) => {
    expect(authorization.accepts(header)).toBe(false);
  });
});
