"""The client that openapi-python-client generated, against a running service: what a program does first, and what saves it.

    use.py URL NAME   of an account that it makes; with the generated package chartroom_generated on PYTHONPATH

Ends with an exception, and so with exit code 1, at the first answer that is not as expected.
"""

import sys
from http import HTTPStatus

from chartroom_generated import AuthenticatedClient, Client
from chartroom_generated.api.posts import put_vote
from chartroom_generated.api.projects import create_project, get_project, list_projects, update_project
from chartroom_generated.api.sign_in import create_token
from chartroom_generated.api.users import create_user
from chartroom_generated.models import (
    CreateProject,
    Me,
    Problem,
    Project,
    ProjectPage,
    ProjectSort,
    Register,
    TokenRequest,
    TokenRequestGrantType,
    TokenResponse,
    UpdateProject,
)


def is_a(kind, value):
    assert isinstance(value, kind), f"expected {kind.__name__}, got {value!r}"
    return value


def problem(answer, status, code):
    assert answer.status_code == status, answer
    found = is_a(Problem, answer.parsed)
    assert (found.status, found.code) == (status, code), found
    return found


url, username = sys.argv[1:]
nobody = Client(base_url=url)
email, password = f"{username}@example.org", "a long way to the sea"

me = is_a(Me, create_user.sync(client=nobody, body=Register(email=email, password=password, username=username)))
assert (me.email, me.admin) == (email, False), me
form = TokenRequest(grant_type=TokenRequestGrantType.PASSWORD, username=email, password=password)
token = is_a(TokenResponse, create_token.sync(client=nobody, body=form))
client = AuthenticatedClient(base_url=url, token=token.access_token)

# Made once, however often it is sent.
names = [f"project {number:02}" for number in range(12)]
for name in names:
    first, again = (
        create_project.sync_detailed(client=client, body=CreateProject(name=name), idempotency_key=f"key-{name[-2:]}")
        for _ in range(2)
    )
    assert first.status_code == again.status_code == HTTPStatus.CREATED, (first, again)
    assert is_a(Project, first.parsed).id == is_a(Project, again.parsed).id
    assert again.headers["idempotency-replayed"] == "true", again.headers
    assert first.headers["location"] == f"/api/v1/projects/{first.parsed.id}", first.headers

# By pages, to the end.
found, pages, more = [], 0, {}
while True:
    page = is_a(ProjectPage, list_projects.sync(client=client, limit=5, sort=ProjectSort.NAME_ASC, **more))
    found += [project.name for project in page.items]
    pages += 1
    if page.next_ is None:
        break
    more = {"cursor": page.next_}
assert (found, pages) == (names, 3), (found, pages)

# A change of what was read, and none of what has changed since.
read = get_project.sync_detailed(first.parsed.id, client=client)
tag = read.headers["etag"]
change = UpdateProject(description="changed")
changed = update_project.sync_detailed(first.parsed.id, client=client, body=change, if_match=tag)
assert changed.status_code == HTTPStatus.OK, changed
assert is_a(Project, changed.parsed).description == "changed", changed
assert changed.headers["etag"] != tag, changed.headers
late = update_project.sync_detailed(first.parsed.id, client=client, body=UpdateProject(description="late"), if_match=tag)
problem(late, HTTPStatus.PRECONDITION_FAILED, "precondition-failed")
unchanged = get_project.sync_detailed(first.parsed.id, client=client)
assert is_a(Project, unchanged.parsed).description == "changed", unchanged
known = get_project.sync_detailed(first.parsed.id, client=client, if_none_match=unchanged.headers["etag"])
assert (known.status_code, known.parsed) == (HTTPStatus.NOT_MODIFIED, None), known

# What is wrong with a body, by field; and what is not there.
wrong = create_project.sync_detailed(client=client, body=CreateProject(name=""))
errors = problem(wrong, HTTPStatus.UNPROCESSABLE_ENTITY, "validation-failed").errors
assert [error.pointer for error in errors] == ["/name"], errors
problem(put_vote.sync_detailed(first.parsed.id, client=client), HTTPStatus.NOT_FOUND, "not-found")
stranger = AuthenticatedClient(base_url=url, token="no")
problem(get_project.sync_detailed(first.parsed.id, client=stranger), HTTPStatus.UNAUTHORIZED, "unauthenticated")
