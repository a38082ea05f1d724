//! A form with a file, which is read as it arrives: the fields that stand before the file, then its
//! bytes. With a script the file goes to the API with its progress; without one the browser sends
//! all of the form.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use http::header::CONTENT_TYPE;

use crate::http::body::upload::Upload;
use crate::identity::api::AppState;
use crate::kernel::error::{ApiError, ApiResult, Code};

/// A field of the form beside the file.
const LONGEST: usize = 10_000;

pub struct FileForm {
    /// Those that are not empty.
    pub fields: Vec<(String, String)>,
    file: multer::Field<'static>,
}

impl FromRequest<AppState> for FileForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        let boundary = multer::parse_boundary(kind.unwrap_or_default());
        let boundary = boundary.or(Err(not_so(
            "the form with the file is not as this page made it",
        )))?;
        let upload = Upload::from_request(request, app).await?;
        let parts = try_unfold(upload, async |mut upload| {
            let bytes = upload.next().await.map_err(Refused)?;
            Ok::<_, Refused>(bytes.map(|bytes| (bytes, upload)))
        });
        let mut form = multer::Multipart::new(Box::pin(parts), boundary);
        let mut fields = Vec::new();
        loop {
            let field = form.next_field().await.map_err(broken)?;
            let field = field.ok_or(not_so("the form has no file: choose one"))?;
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                return Ok(Self {
                    fields,
                    file: field,
                });
            }
            let text = text(field).await?;
            if !text.is_empty() {
                fields.push((name, text));
            }
        }
    }
}

impl FileForm {
    /// Takes a field out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.fields.iter().position(|(known, _)| known == name)?;
        Some(self.fields.swap_remove(place).1)
    }

    pub fn file_name(&self) -> Option<&str> {
        self.file.file_name()
    }

    pub fn bytes(self) -> impl Stream<Item = ApiResult<Bytes>> {
        try_unfold(self.file, async |mut file| {
            let chunk = file.chunk().await.map_err(broken)?;
            Ok(chunk.map(|bytes| (bytes, file)))
        })
    }
}

fn not_so(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest, detail)
}

async fn text(mut field: multer::Field<'_>) -> ApiResult<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST {
            return Err(not_so("a field of the form is too long"));
        }
    }
    String::from_utf8(bytes).or(Err(not_so("a field of the form is no text")))
}

/// What the body was refused for, on its way through the reader of the form.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail)]
struct Refused(ApiError);

/// What the body itself said, where it broke off; else what is wrong with the form around the file.
fn broken(error: multer::Error) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Refused>() {
            Ok(refused) => refused.0,
            Err(cause) => ApiError::internal(anyhow::anyhow!(cause)),
        },
        _ => not_so("the form with the file did not arrive whole"),
    }
}
