"""What is done to schedules on their pages: the form with its preview, one slot, hand-offs, swaps, and who may."""

from datetime import timedelta

import pytest

from app.accounts import queries as accounts
from app.accounts.types import Identity
from app.oncall import queries
from app.platform.runtime import Runtime
from app.usecases import people, rota
from tests.support.clock import FrozenClock
from tests.support.rota import Rota, at
from tests.support.screen import Page
from tests.web.ui.conftest import Company, Open
from tests.web.ui.test_schedules import WEEK, open_slot, override_form, path_of, said_in, slots

FRIDAY = WEEK + timedelta(days=4)


def warnings(page: Page) -> str:
    """What a preview warns of."""
    return " ".join(each.text for each in page.root.all("ul") if "warned" in each.get("class").split())


# --- creating a schedule ------------------------------------------------------------------------------------------


def test_creating_a_schedule_shows_the_next_four_weeks_before_it_is_saved(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    form = open_screen("Ada").open("/schedules/new").form("/schedules")
    assert form.value("cadence") == "weekly"

    page = form.send("Add", name="Data", timezone="America/New_York", member_ids=[company.ravi.id])
    page = page.form("/schedules").send("Add", member_ids=[company.ravi.id, company.noor.id])
    page = page.form("/schedules").send("Preview")

    preview = page.by_id("preview")
    said = [each.get("aria-label") for each in preview.all("g") if each.get("role") == "img"]
    assert "Ravi, Mon 2 Mar 09:00 to Mon 9 Mar 09:00" in said
    assert "Noor, Mon 9 Mar 09:00 to Mon 16 Mar 09:00" in said
    assert len(rt.db.read(lambda tx: queries.schedules_by_id(tx, [1, 2]))) == 1
    page = page.form("/schedules").send("Make the schedule")
    assert page.heading == "Data"
    assert [each.user_id for each in rt.db.read(lambda tx: queries.slots_of(tx, 2, at(WEEK, 20), at(WEEK, 21)))] == [
        company.ravi.id
    ]


def test_members_are_added_moved_and_removed_without_scripts(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/schedules/new").form("/schedules")
    page = form.send("Add", member_ids=[company.ravi.id, company.noor.id, company.ada.id])

    page = page.form("/schedules").send("Move member 3 up")
    assert members(page) == [company.ravi.id, company.ada.id, company.noor.id]
    page = page.form("/schedules").send("Move member 1 down")
    assert members(page) == [company.ada.id, company.ravi.id, company.noor.id]
    page = page.form("/schedules").send("Remove member 2")
    assert members(page) == [company.ada.id, company.noor.id]


def members(page: Page) -> list[int]:
    """Who stands in the rotation of the form, in order."""
    form = page.form("/schedules")
    return [int(value) for name, value in form.values if name == "member_ids" and value]


def test_nothing_typed_is_lost_when_a_schedule_is_refused(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/schedules/new").form("/schedules")

    page = form.send(
        "Make the schedule",
        name="",
        cadence="custom",
        shift_length_hours="half a day",
        handoff_time="noon",
        start_date="soon",
        member_ids=[company.noor.id, company.ravi.id],
    )

    assert page.status == 422
    assert {"shift_length_hours-error", "handoff_time-error", "start_date-error"} <= set(page.errors())
    form = page.form("/schedules")
    assert (form.value("shift_length_hours"), form.value("handoff_time")) == ("half a day", "noon")
    assert members(page) == [company.noor.id, company.ravi.id]


def test_member_who_is_not_active_is_named_at_their_place(rt: Runtime, company: Company, open_screen: Open) -> None:
    people.deactivate_user(rt, user_id=company.noor.id, actor=company.ada, now=rt.clock.now())
    form = open_screen("Ada").open("/schedules/new").form("/schedules")

    page = form.send("Make the schedule", name="Data", member_ids=[company.ravi.id, company.noor.id])

    assert page.status == 422
    assert "not active" in page.by_id("members").text
    assert members(page) == [company.ravi.id, company.noor.id]


@pytest.mark.parametrize(
    "typed",
    [
        {"start_date": "0001-01-01"},
        {"start_date": "9999-12-31"},
        {"timezone": "Mars/Olympus"},
        {"timezone": ""},
        {"member_ids": ["999999"]},
        {"member_ids": ["-1"]},
        {"member_ids": ["99999999999999999999"]},
        {"cadence": "hourly"},
        {"cadence": "custom", "shift_length_hours": "99999999999"},
        {"handoff_weekday": "9"},
        {"handoff_time": "25:00"},
        {"escalation_delay_minutes": "-3"},
    ],
)
@pytest.mark.parametrize("button", ["Make the schedule", "Preview"])
def test_strange_input_is_told_and_never_breaks_the_form(
    button: str, typed: dict[str, object], company: Company, open_screen: Open
) -> None:
    form = open_screen("Ada").open("/schedules/new").form("/schedules")

    page = form.send(button, **{"name": "Data", "member_ids": [company.ravi.id], **typed})

    assert page.status == (422 if button == "Make the schedule" else 200)
    assert page.heading == "New schedule"


# --- changing one -------------------------------------------------------------------------------------------------


def test_change_is_shown_beside_what_is_and_counts_from_the_next_hand_off(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    form = open_screen("Ada").open(f"{path}/edit").form(path)
    order = [user.id for user in shifts.members]

    page = form.send("Preview", member_ids=[order[1], order[0]])

    preview = page.by_id("preview")
    assert [each.text for each in preview.all("figcaption")] == ["Now", "After saving"]
    assert "takes effect Mon 9 Mar 09:00" in preview.text
    assert "What changes" in preview.text
    before = slots(rt, shifts.primary, at(WEEK), 7)
    page.form(path).send("Save")
    assert slots(rt, shifts.primary, at(WEEK), 7) == before
    versions = rt.db.read(lambda tx: queries.rotations_of(tx, shifts.primary.id))
    assert (versions[-1].version, versions[-1].effective_from) == (2, at(WEEK + timedelta(weeks=1)))
    assert "planned" in open_screen("Vera").open(path).by_id("rotation").text


def test_preview_says_which_planned_change_is_replaced(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    screen = open_screen("Ada")
    ids = [user.id for user in shifts.members]
    screen.open(f"{path}/edit").form(path).send(
        "Save", member_ids=ids[:2], effective="at", effective_from="2026-03-20T09:00"
    )
    form = screen.open(f"{path}/edit").form(path)
    assert (form.value("effective"), form.value("effective_from")) == ("at", "2026-03-20T09:00")

    page = form.send("Preview", member_ids=ids[:3], effective="now")

    assert "This replaces what was planned: version 2 (from Fri 20 Mar 09:00 on)." in page.by_id("preview").text
    page = page.form(path).send("Save")
    assert "replaced" in page.by_id("rotation").text
    assert "never in effect" in page.by_id("rotation").text


def test_preview_of_another_zone_is_what_saving_it_makes(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    screen = open_screen("Ada")
    ids = [user.id for user in shifts.members]
    form = screen.open(f"{path}/edit").form(path)
    form.send("Save", member_ids=ids[3:], effective="at", effective_from="2026-03-18T09:00")

    page = screen.open(f"{path}/edit").form(path).send("Preview", timezone="America/New_York")

    drawing = next(each for each in page.root.all("svg") if each.get("aria-labelledby").startswith("draft-after"))
    previewed = {each.get("aria-label") for each in drawing.all("g") if "void" not in each.get("class")}
    page.form(path).send("Save")
    saved = screen.open(f"{path}?view=month&from=2026-03-01")
    assert len(previewed) > 4
    assert previewed <= set(said_in(saved, "calendar-drawing-title"))


def test_saving_without_a_change_of_the_rotation_makes_no_version(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)

    page = open_screen("Ada").open(f"{path}/edit").form(path).send("Save", name="Platform, first")

    assert page.heading == "Platform, first"
    assert len(rt.db.read(lambda tx: queries.rotations_of(tx, shifts.primary.id))) == 1


def test_preview_warns_of_gaps_and_of_people_whom_no_page_reaches(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    lin = shifts.of("Lin")
    for method in rt.db.read(lambda tx: accounts.contact_methods_of(tx, lin.id)):
        people.remove_contact_method(
            rt, user_id=lin.id, contact_method_id=method.id, actor=shifts.admin, now=rt.clock.now()
        )
    form = open_screen("Ada").open(f"{path}/edit").form(path)

    page = form.send("Preview", member_ids=[lin.id], start_date="2026-03-16", effective="now")

    assert "Nobody is on call from Mon 2 Mar 10:00 to Sat 7 Mar 18:00." in warnings(page)
    assert "Lin cannot be paged" in warnings(page)


def test_change_that_would_begin_in_the_past_is_refused(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    form = open_screen("Ada").open(f"{path}/edit").form(path)

    page = form.send("Save", member_ids=[shifts.members[0].id], effective="at", effective_from="2026-02-01T09:00")

    assert page.status == 422
    assert "effective_from-error" in page.errors()
    assert page.form(path).value("effective_from") == "2026-02-01T09:00"


def test_schedule_that_is_switched_off_says_so_and_can_be_switched_on(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    screen = open_screen("Ada")

    page = screen.open(f"{path}/edit").form(path).send("Preview", is_active=None)
    assert "Nobody is on call from Mon 2 Mar 10:00" in warnings(page)
    page = page.form(path).send("Save")
    assert "Switched off" in page.by_id("now").text

    assert "switched off" in screen.open("/oncall").by_id("list").text
    page = screen.open(f"{path}/edit").form(path).send("Save", is_active="yes")
    assert "Currently on call" in page.by_id("now").text


# --- one slot -----------------------------------------------------------------------------------------------------


def test_editing_a_slot_makes_an_override_of_exactly_that_window(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    femi = shifts.of("Femi")
    page = open_slot(open_screen("Ada"), shifts.primary, at(WEEK + timedelta(weeks=1)))
    assert "Rotation, version 1: A week each, Monday 09:00." in page.by_id("slot").text

    page = override_form(page).send("Save as an override", user_id=femi.id, reason="holiday")

    assert page.path == f"{path_of(shifts.primary)}?from=2026-03-09"
    first, *_ = slots(rt, shifts.primary, at(WEEK + timedelta(weeks=1)), 1)
    assert (first.user_id, first.is_override) == (femi.id, True)
    assert first.start_time == at(WEEK + timedelta(weeks=1))
    assert "holiday" in page.by_id("windows").text


def test_shortening_a_slot_shows_who_gets_the_rest_before_it_is_saved(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    page = open_slot(open_screen("Ada"), shifts.primary, at(WEEK + timedelta(days=6)))
    assert "Femi, Sat 7 Mar 18:00" in page.heading
    before = slots(rt, shifts.primary, at(WEEK), 14)

    page = override_form(page).send("Preview", end_time="2026-03-08T10:00")

    rows = [[cell.text for cell in row.all("td")] for row in page.by_id("after").all("tr") if list(row.all("td"))]
    assert rows == [
        ["FE Femi", "Sat 7 Mar 18:00", "Sun 8 Mar 10:00", "override"],
        ["NO Noor", "Sun 8 Mar 10:00", "Mon 9 Mar 09:00", "rotation"],
    ]
    assert slots(rt, shifts.primary, at(WEEK), 14) == before
    override_form(page).send("Save as an override")
    assert [
        each.end_time for each in slots(rt, shifts.primary, at(WEEK), 14) if each.user_id == shifts.of("Femi").id
    ] == [at(WEEK + timedelta(days=6), 10)]


def test_slot_that_changed_meanwhile_is_not_overridden_blindly(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    instant = at(WEEK + timedelta(weeks=1))
    ada, other = open_screen("Ada"), open_screen("Ada")
    form = override_form(open_slot(ada, shifts.primary, instant))
    override_form(open_slot(other, shifts.primary, instant)).send("Save as an override", user_id=shifts.of("Femi").id)

    page = form.send("Save as an override", user_id=shifts.of("Lin").id)

    assert page.status == 409
    assert "changed this slot meanwhile" in page.text
    assert "Femi" in page.heading
    assert slots(rt, shifts.primary, instant, 1)[0].user_id == shifts.of("Femi").id


def test_somebody_else_over_a_part_of_an_override_leaves_the_rest_to_its_person(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    femi, lin = shifts.of("Femi"), shifts.of("Lin")
    third = WEEK + timedelta(weeks=3)
    override_form(open_slot(screen, shifts.primary, at(third))).send("Save as an override", user_id=femi.id)

    override_form(open_slot(screen, shifts.primary, at(third))).send(
        "Save as an override",
        user_id=lin.id,
        start_time=f"{third + timedelta(days=3)}T09:00",
        end_time=f"{third + timedelta(days=4)}T09:00",
    )

    assert [each.user_id for each in slots(rt, shifts.primary, at(third), 6)] == [femi.id, lin.id, femi.id]


def test_what_has_passed_of_a_slot_stays_as_it_was(
    rt: Runtime, clock: FrozenClock, shifts: Rota, open_screen: Open
) -> None:
    clock.advance(days=1)
    before = slots(rt, shifts.primary, at(WEEK, 10), 1)[0]
    page = open_slot(open_screen("Ada"), shifts.primary, clock.now())
    assert "What has passed stays as it was." in page.by_id("override").text

    override_form(page).send("Save as an override", user_id=shifts.of("Lin").id, start_time="2026-03-02T10:00")

    first, second = slots(rt, shifts.primary, at(WEEK, 10), 2)[:2]
    assert (first.user_id, first.start_time, first.end_time) == (before.user_id, before.start_time, clock.now())
    assert second.user_id == shifts.of("Lin").id


def test_slot_that_is_over_can_only_be_read(clock: FrozenClock, shifts: Rota, open_screen: Open) -> None:
    page = open_slot(open_screen("Ada"), shifts.night, at(WEEK, 12))
    clock.advance(days=3)

    page = open_slot(open_screen("Ada"), shifts.night, at(WEEK, 12))

    assert "It is over" in page.by_id("slot").text
    assert not [each for each in page.root.all("form") if each.get("action").endswith("override")]


def test_gap_is_filled_from_its_own_page(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    page = screen.open("/schedules/1?view=week&from=2026-03-09")
    gap = next(each.get("href") for each in page.root.all("a") if each.get("aria-label").startswith("Nobody"))

    page = screen.open(gap)
    assert page.heading.startswith("Nobody")
    form = override_form(page)
    assert form.value("end_time")
    page = form.send("Save as an override", user_id=company.ravi.id, end_time="2026-03-20T09:00")

    assert rt.db.read(lambda tx: queries.who_is_on_call(tx, [1], at(WEEK + timedelta(days=9))))[1] is not None


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"end_time": "2026-03-01T09:00"}, "end_time"),
        ({"start_time": "then"}, "start_time"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "nobody"}, "user_id"),
        ({"end_time": "9999-12-31T23:59"}, "end_time"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
@pytest.mark.parametrize("button", ["Save as an override", "Preview"])
def test_wrong_override_is_told_beside_its_field_and_nothing_is_lost(
    button: str, typed: dict[str, str], field: str, shifts: Rota, open_screen: Open
) -> None:
    form = override_form(open_slot(open_screen("Ada"), shifts.primary, at(WEEK + timedelta(weeks=1))))

    page = form.send(button, **{"reason": "dentist", **typed})

    assert page.status in (200, 422)
    assert f"{field}-error" in page.errors() or button == "Preview"
    again = override_form(page)
    assert again.value("reason") == typed.get("reason", "dentist")
    assert {name: again.value(name) for name in typed if name != "user_id"} == {
        name: value for name, value in typed.items() if name != "user_id"
    }


@pytest.mark.parametrize("start", ["yesterday", "20260302", "20261399T000000Z", "00010101T000000Z", "99991231T235959Z"])
def test_slot_of_a_strange_address_is_not_found(start: str, shifts: Rota, open_screen: Open) -> None:
    assert open_screen("Ada").open(f"{path_of(shifts.primary)}/slots/{start}").status == 404


# --- overrides and fixed entries ----------------------------------------------------------------------------------


def test_override_is_taken_away_and_what_lies_beneath_counts_again(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    page = open_screen("Ada").open(path)

    page = page.form(f"{path}/overrides/1/remove").send()

    assert "wedding" not in page.by_id("windows").text
    assert not [each for each in slots(rt, shifts.primary, at(WEEK), 7) if each.is_override]


def test_entry_is_typed_in_the_schedules_zone(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.data)
    lin = shifts.of("Lin")

    page = open_screen("Ada").open(path).form(f"{path}/entries").send(
        "Add", user_id=lin.id, start_time="2026-03-05T09:00", end_time="2026-03-06T09:00"
    )  # fmt: skip

    assert "Thu 5 Mar 09:00 to Fri 6 Mar 09:00" in page.by_id("windows").text
    entry = slots(rt, shifts.data, at(FRIDAY - timedelta(days=1), 9, "America/New_York"), 1)[0]
    assert f"{entry.start_time:%m-%d %H:%M}" == "03-05 14:00"


def test_overlap_of_entries_is_refused_and_nothing_typed_is_lost(company: Company, open_screen: Open) -> None:
    path = f"/schedules/{company.schedule.id}"
    form = open_screen("Ada").open(path).form(f"{path}/entries")

    page = form.send("Add", user_id=company.noor.id, start_time="2026-03-03T09:00", end_time="2026-03-03T10:00")

    assert page.status == 409
    again = page.form(f"{path}/entries")
    assert (again.value("user_id"), again.value("start_time")) == (str(company.noor.id), "2026-03-03T09:00")
    assert "overlap" in page.by_id("windows").text


def test_time_that_cannot_be_read_is_refused_beside_its_field(company: Company, open_screen: Open) -> None:
    path = f"/schedules/{company.schedule.id}"
    form = open_screen("Ada").open(path).form(f"{path}/entries")

    page = form.send("Add", user_id=company.noor.id, start_time="tomorrow")

    assert page.errors() == {"entry-start_time-error": "Write a date and a time, such as 2026-05-31 09:00."}


def test_removed_entry_leaves_a_gap_that_is_shown(company: Company, open_screen: Open) -> None:
    path = f"/schedules/{company.schedule.id}"
    page = open_screen("Ada").open(path)
    assert "Nobody is on call for Primary from Sun 8 Mar, 09:00" in page.by_id("warnings").text

    page = page.form(f"{path}/entries/1/remove").send()

    assert "Nobody is on call" in page.by_id("now").text
    assert "Nobody on call" in page.by_id("oncall-chip").text


# --- handing off --------------------------------------------------------------------------------------------------


def test_handing_off_mid_rotation_says_until_when_and_goes_to_the_next_boundary(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    femi = shifts.of("Femi")
    page = open_screen("Noor").open(path)
    assert "Noor" in page.by_id("now").text

    page = open_screen("Noor").open(f"{path}/handoff").form(f"{path}/handoff").send("Preview", to_user_id=femi.id)

    assert "Femi takes over from Noor now, until Mon 9 Mar 09:00." in page.by_id("outcome").text
    page = page.form(f"{path}/handoff").send("Hand off")
    assert "Femi" in page.by_id("now").text
    after = slots(rt, shifts.primary, rt.clock.now(), 7)
    assert {each.user_id for each in after if each.start_time < at(WEEK + timedelta(weeks=1))} == {femi.id}
    assert after[-1].user_id == shifts.of("Lin").id


def test_hand_off_may_be_planned_and_is_shown_as_what_it_is(shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    form = open_screen("Ada").open(f"{path}/handoff").form(f"{path}/handoff")

    page = form.send("Preview", to_user_id=shifts.of("Ravi").id, at="2026-03-06T12:00")

    said = page.by_id("outcome").text
    assert "Ravi takes over from Noor Fri 6 Mar 12:00, until Mon 9 Mar 09:00." in said


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"to_user_id": ""}, "to_user_id"),
        ({"at": "2026-03-01T00:00"}, "at"),
        ({"at": "whenever"}, "at"),
        ({"at": "9999-12-31T00:00"}, "at"),
    ],
)
def test_wrong_hand_off_is_told_beside_its_field(
    typed: dict[str, str], field: str, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    form = open_screen("Ada").open(f"{path}/handoff").form(f"{path}/handoff")

    page = form.send("Hand off", **{"to_user_id": shifts.of("Femi").id, **typed})

    assert page.status == 422
    assert f"{field}-error" in page.errors()


def test_slot_that_begins_at_an_odd_second_is_given_on_as_a_whole(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    start, end = (at(FRIDAY + timedelta(days=day)) + timedelta(seconds=17) for day in (0, 1))
    rota.add_override(
        rt,
        schedule_id=shifts.primary.id,
        user_id=shifts.of("Ravi").id,
        start_time=start,
        end_time=end,
        identity=Identity(user=shifts.admin, via="session"),
        now=rt.clock.now(),
    )

    page = open_slot(open_screen("Ravi"), shifts.primary, start)
    page = override_form(page).send("Save as an override", user_id=shifts.of("Tomas").id)

    assert page.status == 200
    tomas = [each for each in slots(rt, shifts.primary, start, 1) if each.user_id == shifts.of("Tomas").id]
    assert [(each.start_time, each.end_time) for each in tomas] == [(start, end)]


# --- swaps --------------------------------------------------------------------------------------------------------


def ask_femi(shifts: Rota, open_screen: Open, to: str = "Femi") -> Page:
    """Noor asks for somebody to take the Friday of her week."""
    page = open_slot(open_screen("Noor"), shifts.primary, at(FRIDAY))
    form = page.form(next(each.get("action") for each in page.root.all("form") if each.get("action").endswith("/swap")))
    return form.send(
        "Ask",
        to_user_id=shifts.of(to).id if to else "",
        start_time="2026-03-06T09:00",
        end_time="2026-03-07T09:00",
        note="school play",
    )


@pytest.mark.parametrize("place", ["/dashboard", "/profile", "/oncall", "/schedules/1"])
def test_person_asked_for_a_swap_sees_it_everywhere_and_accepts(
    place: str, rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    page = ask_femi(shifts, open_screen)
    assert "You ask Femi to take Platform, primary" in page.by_id("swaps").text

    page = open_screen("Femi").open(place)
    assert "Noor asks you to take Platform, primary" in page.text
    assert "school play" in page.text
    page = page.form("/schedules/1/swaps/1/accept").send("Accept")

    assert page.path.split("#")[0] == place
    assert "It is yours" in page.toasts
    friday = slots(rt, shifts.primary, at(FRIDAY), 1)[0]
    assert (friday.user_id, friday.is_override) == (shifts.of("Femi").id, True)


def test_swap_request_to_anybody_is_offered_to_members_and_to_nobody_else(shifts: Rota, open_screen: Open) -> None:
    page = ask_femi(shifts, open_screen, to="")
    assert "/schedules/1/swaps/1/cancel" in {each.get("action") for each in page.root.all("form")}
    assert "/schedules/1/swaps/1/accept" not in {each.get("action") for each in page.root.all("form")}

    assert "Noor asks anybody to take" in open_screen("Lin").open("/oncall").text
    assert "Noor asks" not in open_screen("Vera").open("/oncall").text
    viewer = open_screen("Vera").open("/schedules/1")
    assert "Noor asks anybody to take" in viewer.text
    assert {each.get("action") for each in viewer.root.all("form") if each.get("method") == "post"} <= {
        "/theme",
        "/logout",
    }


def test_declined_or_cancelled_request_goes_away_and_changes_nothing(
    rt: Runtime, shifts: Rota, open_screen: Open
) -> None:
    before = slots(rt, shifts.primary, at(WEEK), 7)
    ask_femi(shifts, open_screen)
    page = open_screen("Femi").open("/schedules/1").form("/schedules/1/swaps/1/decline").send("Decline")
    assert "Noor asks" not in page.text

    ask_femi(shifts, open_screen)
    page = open_screen("Noor").open("/schedules/1").form("/schedules/1/swaps/2/cancel").send("Take back")

    assert "You ask" not in page.text
    assert slots(rt, shifts.primary, at(WEEK), 7) == before


def test_request_for_somebody_elses_slot_is_refused(shifts: Rota, open_screen: Open) -> None:
    form_page = open_slot(open_screen("Noor"), shifts.primary, at(FRIDAY))
    action = next(each.get("action") for each in form_page.root.all("form") if each.get("action").endswith("/swap"))

    page = form_page.form(action).send("Ask", end_time="2026-03-11T09:00")

    assert page.status == 403
    assert "not on call for all of this window" in page.by_id("swap").text


# --- who was on call at -------------------------------------------------------------------------------------------


def test_who_was_on_call_at_a_time_and_as_the_configuration_stood(
    rt: Runtime, clock: FrozenClock, shifts: Rota, open_screen: Open
) -> None:
    path = path_of(shifts.primary)
    clock.advance(hours=1)
    override_form(open_slot(open_screen("Ada"), shifts.primary, at(WEEK + timedelta(weeks=1)))).send(
        "Save as an override", user_id=shifts.of("Femi").id
    )
    form = open_screen("Vera").open(path).form(f"{path}#past")

    page = form.send("Look it up", at="2026-03-10T12:00")
    assert "Femi" in page.by_id("past").text
    page = form.send("Look it up", at="2026-03-10T12:00", as_of="2026-03-02T10:30")
    assert "Lin" in page.by_id("past").text
    assert "as the configuration stood Mon 2 Mar 10:30" in page.by_id("past").text
    page = form.send("Look it up", at="2019-01-01T00:00")
    assert "nobody" in page.by_id("past").text
    page = form.send("Look it up", at="0001-01-01T00:00")
    assert page.errors()


# --- the calendar feed --------------------------------------------------------------------------------------------


def test_address_of_the_calendar_feed_is_shown_once_and_revoked(shifts: Rota, open_screen: Open) -> None:
    path = path_of(shifts.primary)
    screen = open_screen("Ada")

    page = screen.open(path).form(f"{path}/calendar").send("Make an address")
    address = page.by_id("the-feed").text
    feed = screen.client.get(address[address.index("/api/") :])
    assert feed.text.startswith("BEGIN:VCALENDAR")
    assert "the-feed" not in screen.open(path).html

    page = screen.open(path).form(f"{path}/calendar/revoke").send("Revoke")
    assert "Revoked" in page.toasts
    assert screen.client.get(address[address.index("/api/") :]).status_code == 404
    assert "Calendar feed" not in open_screen("Lin").open(path).text


# --- rights -------------------------------------------------------------------------------------------------------


def test_viewer_reads_everything_and_is_offered_nothing(shifts: Rota, open_screen: Open) -> None:
    screen = open_screen("Vera")
    for path in (path_of(shifts.primary), "/oncall", f"{path_of(shifts.primary)}/slots/20260302T090000Z"):
        page = screen.open(path)
        assert page.status == 200
        assert {each.get("action") for each in page.root.all("form") if each.get("method") == "post"} <= {"/theme"}
        assert not [link for link in page.links() if link.endswith(("/edit", "/handoff", "/new"))]
    assert screen.open(f"{path_of(shifts.primary)}/edit").status == 403
    assert screen.open(f"{path_of(shifts.primary)}/handoff").status == 403


def test_member_changes_their_own_slot_and_no_other(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    screen = open_screen("Lin")
    foreign = open_slot(screen, shifts.primary, at(FRIDAY))
    assert "Only Noor and admins may change it." in foreign.by_id("slot").text
    assert not [each for each in foreign.root.all("form") if each.get("action").endswith(("/override", "/swap"))]
    own = open_slot(screen, shifts.primary, at(WEEK + timedelta(weeks=1)))

    override_form(own).send("Save as an override", user_id=shifts.of("Ravi").id)

    assert slots(rt, shifts.primary, at(WEEK + timedelta(weeks=1)), 1)[0].user_id == shifts.of("Ravi").id
    assert not [link for link in screen.open(path_of(shifts.primary)).links() if link.endswith(("/edit", "/handoff"))]
    page = screen.open(f"{path_of(shifts.primary)}/handoff")
    assert "Only Noor and admins may hand this over now." in page.text


def test_route_refuses_what_the_page_does_not_offer(rt: Runtime, shifts: Rota, open_screen: Open) -> None:
    screen = open_screen("Lin")
    token = screen.open("/profile").form("/profile").value("csrf_token")
    slot = slots(rt, shifts.primary, at(FRIDAY), 1)[0]
    values = [
        ("csrf_token", token),
        ("seen", slot.id),
        ("user_id", str(shifts.of("Lin").id)),
        ("start_time", "2026-03-06T09:00"),
        ("end_time", "2026-03-07T09:00"),
    ]

    page = screen.request("post", f"{path_of(shifts.primary)}/slots/{at(FRIDAY):%Y%m%dT%H%M%SZ}/override", values)

    assert page.status == 403
    assert not [each for each in slots(rt, shifts.primary, at(FRIDAY), 1) if each.is_override]
