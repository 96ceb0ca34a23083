"""Writes, on standard output, which time zones lie in countries that dial alike.

From the zone tables of `tzdata` (public domain) and the numbering plans of `phonenumbers`, the Python copy of Google's
libphonenumber (Apache-2.0). A zone that lies in several countries counts to the one that the tables name first.
"""

from collections import defaultdict
from importlib.metadata import version
from importlib.resources import files

from phonenumbers import PhoneMetadata

# Abbreviations from before there were zones; since 2024 they are links to one place each, though others used them, too.
OF_NO_COUNTRY = {
    "CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET",
}  # fmt: skip


def countries() -> dict[str, str]:
    """The ISO code of each zone's country, older names of zones included."""
    tables = files("tzdata") / "zoneinfo"
    found: dict[str, str] = {}
    for line in (tables / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(zone, country)
    links = {}
    for line in (tables / "tzdata.zi").read_text().splitlines():
        kind, *words = line.split(" ")
        if kind == "L":
            target, name = words
            links[name] = target
    for name in links.keys() - found.keys() - OF_NO_COUNTRY:
        target = name
        while target not in found and target in links:
            target = links[target]
        if target in found:
            found[name] = found[target]
    return found


def main() -> None:
    plans = defaultdict(list)
    for zone, country in countries().items():
        # None: nobody's telephones, such as those of Antarctica.
        if plan := PhoneMetadata.metadata_for_region(country):
            plans[str(plan.country_code), plan.national_prefix or "-"].append(zone)
    print("# Calling code, trunk prefix (- for none), and the time zones of the countries that have them.")
    print("# Written by `make phones`, see local/phones/zones.py.")
    print(f"# From tzdata {version('tzdata')} (public domain; its packaging Apache-2.0)")
    print(f"# and phonenumbers {version('phonenumbers')} (Apache-2.0), the Python copy of Google's libphonenumber.")
    for (code, trunk), zones in sorted(plans.items()):
        print(code, trunk, *sorted(zones))


if __name__ == "__main__":
    main()
