"""What a Protocol Buffer schema may change from one revision to the next."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor


def problems(new: Descriptor, earlier: Descriptor, seen: set[str]) -> Iterator[str]:
    """Yield why `new` cannot follow `earlier`: optional fields may come and go, nothing else.

    `seen` has the full names of the messages already under comparison, which may contain
    themselves. Source: Pub/Sub, "Commit a schema revision"; the wording follows its errors.
    """
    if new.full_name in seen:
        return
    seen.add(new.full_name)
    if new.full_name != earlier.full_name:
        yield f"{new.full_name} is not {earlier.full_name}"
    for number in sorted({*new.fields_by_number, *earlier.fields_by_number}):
        field, former = new.fields_by_number.get(number), earlier.fields_by_number.get(number)
        if field and former:
            yield from _edits(field, former, seen)
        else:
            yield from _alone(field or former, "added" if field else "removed")


def _alone(field: FieldDescriptor | None, change: str) -> Iterator[str]:
    if field and field.is_required:
        yield f"{field.full_name} is required, so it cannot be {change}"


def _edits(new: FieldDescriptor, earlier: FieldDescriptor, seen: set[str]) -> Iterator[str]:
    if _type(new) != _type(earlier):
        yield (
            f"{new.full_name} of type {_type(new)} is not compatible with "
            f"{earlier.full_name} of type {_type(earlier)}"
        )
    elif new.name != earlier.name:
        yield f"{new.full_name} has the number {new.number} of {earlier.full_name}"
    elif _place(new) != _place(earlier):
        yield f"{new.full_name} is {_place(new)} and was {_place(earlier)}"
    elif new.message_type and earlier.message_type:
        yield from problems(new.message_type, earlier.message_type, seen)
    elif new.enum_type and earlier.enum_type:
        yield from _enum_edits(new.enum_type, earlier.enum_type)


def _enum_edits(new: EnumDescriptor, earlier: EnumDescriptor) -> Iterator[str]:
    """Yield each value that only one revision of an enum has: the other could not read it."""
    for have, lack in ((new, earlier), (earlier, new)):
        known = {(value.name, value.number) for value in lack.values}
        for value in have.values:
            if (value.name, value.number) not in known:
                path = f"{have.full_name.rpartition('.')[0]}.{value.name}"
                yield f"{path} = {value.number} is missing in {lack.full_name}"


def _type(field: FieldDescriptor) -> str:
    named = field.message_type or field.enum_type
    return named.full_name if named else _NAMES[field.type]


def _place(field: FieldDescriptor) -> str:
    """Return what else of a field decides who can read it: its label, and the oneof around it."""
    oneof = field.containing_oneof
    if oneof is not None and len(oneof.fields) > 1:
        return f"in the oneof {oneof.name}"
    if field.is_required:
        return "required"
    return "repeated" if field.is_repeated else "optional"


_NAMES = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_")
}
