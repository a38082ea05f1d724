//! Two `serve` processes on one database: what ends on one, or by the command line, is refused by
//! both within 5 s. Every kind of credential is believed from memory by both when it happens, so
//! that nothing but the revocation can end it.

mod fleet;
mod person;

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use self::fleet::{Cut, Fleet};
use self::person::{Event, Kind, Person};

/// What the promise allows, from the moment at which the event was acknowledged.
const PROMISE: Duration = Duration::from_secs(5);

/// Everybody with every credential on every replica, asked for when the time of the promise is
/// over.
async fn assert_settled(fleet: &Fleet, people: &[Person], when: &str) {
    for person in people {
        if matches!(person.event, Event::Promote | Event::Demote) {
            for client in &fleet.clients {
                let administers = person.administers(client).await;
                assert_eq!(administers, person.event == Event::Promote, "{when}");
            }
        }
        for kind in Kind::ALL {
            for (replica, client) in fleet.clients.iter().enumerate() {
                let is_accepted = person.is_accepted(client, kind).await;
                assert_eq!(
                    is_accepted,
                    !person.event.ends(kind),
                    "{when}: {kind:?} after {:?} on replica {replica}",
                    person.event
                );
            }
        }
    }
}

async fn round(fleet: &Fleet, cut: Cut) {
    let people = fleet.people(&format!("{cut:?}").to_lowercase()).await;
    for client in &fleet.clients {
        // Everybody at once, so that each replica has database connections enough for the time when
        // it can make none.
        join_all(people.iter().map(async |person| {
            for kind in Kind::ALL {
                assert!(person.is_accepted(client, kind).await, "{kind:?}");
            }
            if matches!(person.event, Event::Promote | Event::Demote) {
                let administers = person.administers(client).await;
                assert_eq!(administers, person.event == Event::Demote);
            }
        }))
        .await;
    }
    let cutting = fleet.cut(cut).await;
    join_all(people.iter().map(|person| fleet.happen(person))).await;
    let done = Instant::now();
    if cut == Cut::ForGood {
        // Control: the second replica cannot know yet, and believes what it knew.
        let signed_out = people.iter().find(|person| person.event == Event::SignOut);
        let accepted = signed_out
            .unwrap()
            .is_accepted(&fleet.clients[1], Kind::Access);
        assert!(accepted.await, "the feed was not cut");
    }
    sleep_until(done + PROMISE).await;
    assert_settled(fleet, &people, &format!("{cut:?}")).await;
    fleet.heal(cut, cutting).await;
    assert_settled(fleet, &people, &format!("healed after {cut:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_refused_by_both_within_five_seconds() {
    let fleet = Fleet::start().await;
    round(&fleet, Cut::Not).await;
    round(&fleet, Cut::Repeatedly).await;
    round(&fleet, Cut::ForGood).await;
}

/// Control: it is the revocation that ends them. An account that is disabled behind the service's
/// back is believed for longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_revoked_is_still_accepted_after_five_seconds() {
    let fleet = Fleet::start().await;
    let person = Person::new(&fleet, "control", Event::Disable).await;
    let believed = [Kind::Access, Kind::Cookie, Kind::Basic, Kind::ApiToken];
    for client in &fleet.clients {
        for kind in believed {
            assert!(person.is_accepted(client, kind).await, "{kind:?}");
        }
    }
    let disable = format!(
        "UPDATE users SET is_disabled = true WHERE id = '{}'",
        person.id
    );
    fleet.session.batch_execute(&disable).await.unwrap();
    sleep(PROMISE).await;
    for client in &fleet.clients {
        for kind in believed {
            assert!(person.is_accepted(client, kind).await, "{kind:?}");
        }
    }
}
