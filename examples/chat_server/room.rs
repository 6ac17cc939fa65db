//! The room: who is here, and who gets a line. What changes it is not async.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use glassloop::net::TcpStream;

use crate::outbox::Outbox;
use crate::text;

/// How many bytes of names `/who` shows.
const WHO: usize = 1000;

pub(crate) struct Room {
    clients: RefCell<Vec<Rc<Client>>>,
    limit: usize,
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) outbox: Outbox,
    /// Unset until the client has given a name. Before that it sees no messages.
    pub(crate) name: OnceCell<String>,
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Client {
        Client { stream, outbox: Outbox::default(), name: OnceCell::new() }
    }

    /// Sends a line of the server to this client alone.
    pub(crate) fn tell(&self, text: &str) {
        self.outbox.push(format!("* {text}\n").into());
    }
}

impl Room {
    pub(crate) fn new(limit: usize) -> Room {
        Room { clients: RefCell::default(), limit }
    }

    /// Lets a client in, if there is a place.
    pub(crate) fn let_in(&self, client: &Rc<Client>) {
        let mut clients = self.clients.borrow_mut();
        if clients.len() < self.limit {
            clients.push(client.clone());
        }
    }

    pub(crate) fn has(&self, client: &Rc<Client>) -> bool {
        self.clients.borrow().iter().any(|other| Rc::ptr_eq(other, client))
    }

    /// Waits until the client and all that have a name can take a line. What is posted then,
    /// before the next `await`, finds room: no other task runs in between.
    pub(crate) async fn has_room(&self, client: &Rc<Client>) {
        while let Some(full) = self.first_full(client) {
            full.outbox.has_room().await;
        }
    }

    fn first_full(&self, client: &Rc<Client>) -> Option<Rc<Client>> {
        let clients = self.clients.borrow();
        let counts = |other: &&Rc<Client>| other.name.get().is_some() || Rc::ptr_eq(other, client);
        clients.iter().filter(counts).find(|other| other.outbox.is_full()).cloned()
    }

    /// Puts a line into the outboxes of all clients that have a name, except the sender: in
    /// one go, so all see the same order.
    pub(crate) fn post(&self, sender: &Rc<Client>, text: &str) {
        let line: Rc<str> = format!("{text}\n").into();
        let clients = self.clients.borrow();
        let others = clients.iter().filter(|client| !Rc::ptr_eq(client, sender));
        for client in others.filter(|client| client.name.get().is_some()) {
            client.outbox.push(line.clone());
        }
    }

    /// Gives a client its name, if it can have it.
    pub(crate) fn take_name(&self, client: &Rc<Client>, name: &str) {
        if !text::is_name(name) {
            client.tell(&format!("{} Please try again.", text::RULE));
        } else if self.names().iter().any(|other| text::is_same_name(other, name)) {
            client.tell(&format!("{name} is taken. Please try another one."));
        } else {
            client.tell(&format!("You are {name} now. /help tells what you can do."));
            client.name.get_or_init(|| name.to_owned());
            self.post(client, &format!("* {name} joined"));
        }
    }

    /// Takes a client out of the room, and lets it have what is in its outbox. The others
    /// learn it at once: such a line does not wait for room, and each place causes one.
    pub(crate) fn show_out(&self, client: &Rc<Client>) {
        client.outbox.close();
        let was_here = self.has(client);
        self.clients.borrow_mut().retain(|other| !Rc::ptr_eq(other, client));
        if let Some(name) = client.name.get().filter(|_| was_here) {
            self.post(client, &format!("* {name} left"));
        }
    }

    pub(crate) fn close(&self) {
        for client in self.clients.take() {
            client.tell("The server is going down. Good-bye!");
            client.outbox.close();
        }
    }

    fn names(&self) -> Vec<String> {
        let clients = self.clients.borrow();
        clients.iter().filter_map(|client| client.name.get().cloned()).collect()
    }

    /// The names as one line, which has an end even if the room is large.
    pub(crate) fn who(&self) -> String {
        let (names, mut line) = (self.names(), "Here:".to_owned());
        for (shown, name) in names.iter().enumerate() {
            if line.len() + name.len() > WHO {
                return format!("{line} and {} more", names.len() - shown);
            }
            line = format!("{line} {name}");
        }
        line
    }
}
